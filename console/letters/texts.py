"""What the platform writes to people, in both languages. Plain text: nothing in it can be markup."""

from __future__ import annotations

from console.letters.post import Letter


def new_password(to: str, language: str, link: str, minutes: int) -> Letter:
    if language == "en":
        return Letter(
            to,
            "Sluss: choose a new password",
            f"Somebody, we hope you, asked for a new password.\n\nChoose it here within {minutes} minutes; "
            f"the link works once:\n{link}\n\nIf it was not you, do nothing: your password is as before.\n",
        )
    return Letter(
        to,
        "Sluss: välj ett nytt lösenord",
        f"Någon, förhoppningsvis du, har bett om ett nytt lösenord.\n\nVälj det här inom {minutes} minuter; "
        f"länken fungerar en gång:\n{link}\n\nVar det inte du behöver du inte göra något: lösenordet är som förut.\n",
    )


def invitation(to: str, language: str, organisation: str, inviter: str, link: str, days: int) -> Letter:
    if language == "en":
        return Letter(
            to,
            "Sluss: you are invited to an organisation",
            f"{inviter} invites you to {organisation}.\n\nAnswer within {days} days, signed in with this "
            f"e-mail address:\n{link}\n\nIf you did not expect this, do nothing.\n",
        )
    return Letter(
        to,
        "Sluss: du är inbjuden till en organisation",
        f"{inviter} bjuder in dig till {organisation}.\n\nSvara inom {days} dagar, inloggad med den här "
        f"e-postadressen:\n{link}\n\nVäntade du dig inte det här behöver du inte göra något.\n",
    )

"""The console's frame: the portal's own 404 page with another middle."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.shell import Shell, Shells
from portal_docs.build import BuildReport
from portal_docs.finish import content_security_policy
from portal_docs.tree import Tree

EVIL = "</title><script>alert(1)</script> \\1 \\g<0> <!--sluss:main-->"


@pytest.mark.parametrize("language", ["sv", "en"])
def test_title_and_middle_are_replaced_and_nothing_else(
    built: tuple[Path, BuildReport], language: str
) -> None:
    shell = Shell.load(built[0] / "current", language)
    page = shell.render("Mina appar", "<h1>Mina appar</h1>")
    assert page.count("<title>Mina appar – Sluss</title>") == 1
    assert page.count("<h1>Mina appar</h1>") == 1
    assert "Sidan finns inte" not in page
    assert "Page not found" not in page
    assert f'<html lang="{language}"' in page
    assert 'href="/portal/' in page


def test_a_title_is_text(built: tuple[Path, BuildReport]) -> None:
    page = Shell.load(built[0] / "current", "sv").render(EVIL, f"<p>{'x' * 3}\\1 \\g<0></p>")
    assert "<script>alert(1)" not in page
    assert "<p>xxx\\1 \\g<0></p>" in page


def test_the_policy_is_the_tree_s_and_allows_every_script_of_the_frame(
    built: tuple[Path, BuildReport], tree: Path
) -> None:
    shell = Shell.load(built[0] / "current", "en")
    assert shell.content_security_policy == Tree.load(tree).content_security_policy


def test_the_language_menu_leads_where_the_console_says(built: tuple[Path, BuildReport]) -> None:
    shell = Shell.load(built[0] / "current", "sv")
    page = shell.render("t", "m", other_language='/console/?language=en&x="')
    assert '<a class="sluss-language" href="/console/?language=en&amp;x=&quot;"' in page
    assert 'href="/portal/en/"' in shell.render("t", "m")


def test_a_plain_frame_without_a_built_portal(tmp_path: Path) -> None:
    for shell in (Shell.load(None, "en"), Shell.load(tmp_path, "en"), Shells(tmp_path).of("en")):
        page = shell.render("Apps <x>", "<h1>Apps</h1>")
        assert "<title>Apps &lt;x&gt; – Sluss</title>" in page
        assert '<html lang="en">' in page
        assert "<h1>Apps</h1>" in page
        assert shell.content_security_policy == content_security_policy(())


def test_frames_follow_the_tree_in_use(built: tuple[Path, BuildReport], tmp_path: Path) -> None:
    shells = Shells(tmp_path)
    assert "md-header" not in shells.of("sv").page
    (tmp_path / "current").symlink_to(built[1].tree)
    assert "md-header" in shells.of("sv").page
    assert shells.of("sv") is shells.of("sv")

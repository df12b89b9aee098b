"""The audit log: every act of administration, security and billing, and every denied one. Append-only.

Each entry's hash covers its content and the hash before it; the head row names the last entry. Triggers
refuse UPDATE, DELETE and gaps. `verify` walks the chain and names the first bad number.

It detects: a changed, removed, inserted or swapped entry, and entries cut off at the end while the head row
stays. It cannot by itself detect: a rewrite of the whole rest of the chain and of the head, by somebody who
may drop the triggers, nor a restored older copy. Against those keep the head elsewhere (`head`) and give it
to `verify` as `known`.
"""

from storage.audit.chain import Entry
from storage.audit.log import append, for_organisation, latest
from storage.audit.tables import head_table, table
from storage.audit.verify import Head, Verified, head, verify

__all__ = [
    "Entry",
    "Head",
    "Verified",
    "append",
    "for_organisation",
    "head",
    "head_table",
    "latest",
    "table",
    "verify",
]

"""The form of our ids in addresses. What has another form names nothing, and never reaches a query."""

from __future__ import annotations

import re

ID = re.compile(r"[a-z]{2,4}_[0-9a-f]{32}")

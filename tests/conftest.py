"""For all tests: whatever a test starts, and however, no node of it greets a mandatory peer."""

from __future__ import annotations

import os

os.environ["SNICHER_MANDATORY"] = ""

"""The audit of a ranking: how far it favours popular items, and at whose cost. No torch here."""

from negbench.audit.taste import USER_GROUPS
from negbench.audit.whole import audit

__all__ = ["USER_GROUPS", "audit"]

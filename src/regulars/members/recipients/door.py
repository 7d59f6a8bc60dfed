"""Looking for somebody to give to, for other rooms: `members.api.recipients`.

`seek(tx, vault, wish)` finds whom a member means by a phone number, an address or a card in full, following merged ids;
None for nobody. It is given back, not raised, that too many were tried (TooManyAttempts, 429): commit either, each try
counts, whatever is found. It is logged with who was found, never with what was typed. `NobodyToGiveTo` (422) is what to
answer where nobody is, or nobody who can be given anything: with the same words. Source: attempts, identities.
"""

from regulars.members.recipients.errors import NobodyToGiveTo
from regulars.members.recipients.service import seek

__all__ = ["NobodyToGiveTo", "seek"]

"""The door of proposals, as other rooms use it: `members.api.proposals`.

Every function takes the caller's transaction and never commits, but for the two that the worker runs.

- `list_proposals(tx, wanted)` gives proposals with what speaks for them, the last seen first; `open_of(tx, member_id)`
  asks for the open ones of a member along with the next read; `count_open(tx)` counts them. They raise nothing.
- `read_proposal(tx, parts, proposal_id)` gives one with who holds an account and who would stay (UnknownProposal, 404);
  `explain_proposal(tx, vault, read)` says why, values masked.
- `confirm_proposal(tx, vault, parts, wish)` merges the two as `members.api.merge_members` does, and raises what that
  raises; besides UnknownProposal (404), ProposalEnded (409) where somebody was faster, SurvivorNotOfProposal (422).
  `dismiss_proposal(tx, wish)` says that they are two; UnknownProposal, ProposalEnded.
- `note(tx, vault, outcomes)` notes which members were named together by sign-ups, and identities to be added, that were
  refused. Raises nothing.
- `run_proposals(database, vault, parts, stop)` lets the rule merge two of whom nothing is known but how to find them;
  `examine_due(database, vault, parts, at=)` does so once.
- `list_rules(tx)` gives the versions of the rules about identities, the one in force first; `change_rules(tx, wish)`
  adds one (IdentityRulesStale, 409; IdentityKindsIncomplete, 422).

Source: merge_proposals, merge_evidence, identity_rules.
"""

from regulars.members.identity_rules.service import list_rules
from regulars.members.proposals.explain import explain_proposal
from regulars.members.proposals.reading import count_open, list_proposals, open_of
from regulars.members.proposals.running import examine_due, run_proposals
from regulars.members.proposals.service import change_rules, confirm_proposal, dismiss_proposal, note, read_proposal

__all__ = [
    "change_rules",
    "confirm_proposal",
    "count_open",
    "dismiss_proposal",
    "examine_due",
    "explain_proposal",
    "list_proposals",
    "list_rules",
    "note",
    "open_of",
    "read_proposal",
    "run_proposals",
]

"""Refusals about drafts of policies."""

from regulars.platform.errors import Conflict, InvalidInput, NotFound


class UnknownDraft(NotFound):
    """No draft has this id."""

    code = "unknown_draft"
    message = "There is no such draft. List the drafts to find it."


class DraftChanged(Conflict):
    """Somebody else was quicker."""

    code = "draft_changed"
    message = "Somebody changed this draft meanwhile: it is at revision {current}, you have seen {seen}. Read it again."


class ProposalChanged(Conflict):
    """What was seen is not what is proposed now."""

    code = "proposal_changed"
    message = (
        "What is proposed is not what you have seen: it is revision {current} now, to begin at {active_from}. "
        "Read it again."
    )


class DraftBehind(Conflict):
    """A draft is a whole document: what came meanwhile would be set back."""

    code = "draft_behind"
    message = (
        "Version {latest} came after this draft was last compared, with version {based_on}: what it changed would be "
        "set back. Compare the draft with it, and schedule the draft as based on it."
    )


class DraftOfWithdrawn(Conflict):
    """A draft is a whole document: what was taken back would come with it after all."""

    code = "draft_of_withdrawn"
    message = (
        "This draft was begun from version {based_on}, or last compared with it, and that version was withdrawn at "
        "{withdrawn_at}: what it said would come with the draft all the same. Compare the draft with version {latest}, "
        "and schedule the draft as based on that."
    )


class DraftOfOnlyWithdrawn(Conflict):
    """A draft would bring what was taken back, and no version is there with which it could be compared."""

    code = "draft_of_only_withdrawn"
    message = (
        "This draft was begun from version {based_on}, or last compared with it, and that version was withdrawn at "
        "{withdrawn_at}: what it said would come with the draft all the same, and no other version is there to compare "
        "it with. If it shall come, schedule the draft as based on version {based_on}."
    )


class DraftNotOpen(Conflict):
    """Only a draft is worked on."""

    code = "draft_not_open"
    message = "This draft is no longer worked on and cannot be changed. Begin a new one from it."


class DraftNotProposed(Conflict):
    """Nothing waits for a second person."""

    code = "draft_not_proposed"
    message = "Nothing in this draft waits for a second person. Schedule it first."


class OwnProposal(Conflict):
    """Two persons means two."""

    code = "own_proposal"
    message = "Nobody agrees to what they have proposed or written themselves. Somebody else must look at it."


class DecidedByOthers(Conflict):
    """Nobody takes back alone what others decided."""

    code = "decided_by_others"
    message = (
        "The policy in force asks for two, and others proposed this or agreed to it: only one of them takes it back. "
        "Who may agree can give a proposal back."
    )


class NothingToBeginFrom(InvalidInput):
    """The first policy needs a document."""

    code = "nothing_to_begin_from"
    message = "There is no version to begin from. Send the whole policy."


class PolicyUnchanged(Conflict):
    """A version that changes nothing is none."""

    code = "policy_unchanged"
    message = "The draft says what version {version} says already. Change something first."


class SecondPersonNeeded(Conflict):
    """The policy in force asks for two."""

    code = "second_person_needed"
    message = (
        "The policy in force asks for a second person. Make a draft of it, propose it, and let somebody else agree."
    )

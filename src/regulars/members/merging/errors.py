"""Refusals of merges and of undoing them."""

from regulars.platform.errors import Conflict, InvalidInput, NotFound


class MergeOfOne(InvalidInput):
    """Nobody is merged with themselves."""

    code = "merge_of_one"
    message = "Both ids stand for the same member. Name two members."


class MergeAcrossMarkets(Conflict):
    """A point is worth something else elsewhere."""

    code = "merge_across_markets"
    message = "The members belong to the markets {survivor} and {absorbed}. Only members of one market can be merged."


class MergeWaitsForErasure(Conflict):
    """What is about to be erased is not given to anybody."""

    code = "merge_waits_for_erasure"
    message = "The erasure of {member} was asked for. Withdraw it first, or let it be carried out."


class UnknownMerge(NotFound):
    """The member was never merged so."""

    code = "unknown_merge"
    message = "There is no such merge of this member. List the member's merges to find it."


class MergeUndoneBefore(Conflict):
    """A merge is undone once."""

    code = "merge_undone_before"
    message = "This merge was undone at {undone_at}. If they are one person after all, merge them again."


class UndoOutOfOrder(Conflict):
    """Merges that build on each other are undone from the last."""

    code = "undo_out_of_order"
    message = "The merge came before another: {survivor} is part of {into} since. Undo that one ({merge}) first."

"""Refusals about jobs."""

from regulars.platform.errors import Conflict, TemporarilyUnavailable


class JobHasEnded(Conflict):
    """What has ended cannot be cancelled."""

    code = "job_has_ended"
    status = 409
    message = "This job has ended already ({state}). What it did stands; read its result."


class JobGoesOn(Conflict):
    """What is under way, or done, cannot be resumed."""

    code = "job_goes_on"
    status = 409
    message = "This job is {state}: only one that was cancelled or failed goes on from where it stopped."


class StepFailed(TemporarilyUnavailable):
    """A step of a job failed three times, by a fault of ours."""

    code = "step_failed"
    status = 503
    message = (
        "This is a fault in Regulars, not in what you sent. What was done before stands. Let the job go on from there; "
        "if that does not help, report it with the job's id."
    )


class KindUnknown(TemporarilyUnavailable):
    """The process that was to do something with the job is of a release that does not know its kind."""

    code = "job_kind_unknown"
    status = 503
    message = "Not every process knows this kind of job. Let all of them run the same release, then try again."


class JobAbandoned(TemporarilyUnavailable):
    """Nobody works at the job any more: its entry in the queue failed for good, or was deleted."""

    code = "job_abandoned"
    status = 503
    message = "Nobody works at this job any more. What was done before stands. Let it go on from there."


class AskerShutOut(Conflict):
    """The key that asked for a job was revoked, or the account disabled: whoever did that wants nothing more of it."""

    code = "asker_shut_out"
    status = 409
    message = (
        "This job stopped, since the key that asked for it was revoked or the account disabled. What was done before "
        "stands. Send the file again, or ask for the export again, with a key that is good: what is there stays once."
    )

"""What a deployment asks of consent."""

from regulars.members.contracts import Purpose
from regulars.platform.settings import Settings

DoubleOptIn = frozenset[Purpose]
NOTHING: DoubleOptIn = frozenset()


def double_opt_in(settings: Settings) -> DoubleOptIn:
    """Return the purposes for which consent by e-mail counts only once it is confirmed from the address itself."""
    named = {part.strip() for part in settings.double_opt_in.split(",")}
    return frozenset(Purpose(one) for one in named - {"none"})

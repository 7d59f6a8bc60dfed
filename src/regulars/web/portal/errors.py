"""What the portal's pages refuse by themselves."""

from regulars.platform.errors import NotFound


class LinkOver(NotFound):
    """The link of a letter that asks to confirm an address is too old, not whole, or of an address that was changed."""

    code = "confirmation_over"
    message = "This link is too old or was not copied whole. Sign in with your address: that confirms it as well."

"""The portal: what members see on their phones."""

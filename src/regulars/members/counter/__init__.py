"""The member at a shop's counter: found, greeted, registered; each look is counted and logged."""

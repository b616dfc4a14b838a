"""Thousands are grouped as browsers do it, and as the charts' labels have it. Django would not group them at all."""

THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3

"""Money in the operator's currency (`[site] currency`). It is kept in millionths, so that sums are exact."""

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings

from pollweb.lib.numbers import grouped

MILLION = 1_000_000
MOST = 2**53 // MILLION  # currency units: beyond, Redis's scripts could not count exactly


def currency() -> str:
    return settings.DESIGN.site.currency


def amount(millionths: int) -> float:
    """1250000 → 1.25, as programs are told it."""
    return millionths / MILLION


def said(millionths: float) -> str:
    """1250000 → `USD 1.25`; less than a hundredth keeps four places."""
    units = (millionths or 0) / MILLION
    return f"{currency()} {grouped(units, 2 if units >= 0.01 or not units else 4)}"


def has_prices() -> bool:
    """Whether anything costs anything here: else no page speaks of money."""
    models = settings.DESIGN.models
    return any(
        any(card.price.model_dump().values())
        for kind in type(models).model_fields
        for card in getattr(models, kind).values()
    )


def typed(millionths: int) -> str:
    """1250000 → `1.25`, as somebody would type it."""
    return f"{millionths / MILLION:.6f}".rstrip("0").rstrip(".")


def offer(form: forms.BaseForm, help_text: Any, held: int | None) -> None:
    """Let `form` ask for a monthly budget: where something costs something, or one is set."""
    if held is None and not has_prices():
        del form.fields["monthly_budget"]
    else:
        form.fields["monthly_budget"].help_text = help_text % {"currency": currency()}


class Field(forms.DecimalField):
    """An amount that is typed in units, and is in millionths everywhere else."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=16, decimal_places=6, min_value=Decimal("0.01"), max_value=MOST, **kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "step": "any"}

    def prepare_value(self, value: Any) -> Any:
        return typed(value) if isinstance(value, int) else value  # what was typed stays as it is

    def clean(self, value: Any) -> int | None:
        units = super().clean(value)
        return None if units is None else int(units * MILLION)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)

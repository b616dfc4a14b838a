"""How every form of the site is drawn: label above, help, error with its icon, then the control.

`{{ form }}` draws a whole form with an error summary on top, `{{ form.name.as_field_group }}` one field.
"""

from typing import Any

from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, ClearableFileInput, RadioSelect
from django.forms.renderers import TemplatesSetting
from django.http import HttpRequest, QueryDict

UNSTYLED = (CheckboxInput, CheckboxSelectMultiple, RadioSelect, ClearableFileInput)


def sent(request: HttpRequest) -> QueryDict | None:
    """What a form was sent with; None shows it empty."""
    return request.POST if request.method == "POST" else None


class Field(BoundField):
    """A bound field whose control has the site's class, and that says how it is laid out."""

    def build_widget_attrs(self, attrs: dict[str, Any], widget: Any = None) -> dict[str, Any]:
        attrs = super().build_widget_attrs(attrs, widget)
        widget = widget or self.field.widget
        if not isinstance(widget, UNSTYLED) and not widget.is_hidden:
            attrs.setdefault("class", f"input {widget.attrs.get('class', '')}".strip())
        return attrs

    @property
    def is_check(self) -> bool:
        """A single box, which stands before its label."""
        return isinstance(self.field.widget, CheckboxInput)


class Renderer(TemplatesSetting):
    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"
    bound_field_class = Field

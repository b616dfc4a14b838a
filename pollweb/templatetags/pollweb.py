"""Template words of our own, known in every template."""

from django import template

register = template.Library()

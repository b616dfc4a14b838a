"""The part of a form by which pictures come along: files, addresses, and what it brought the last time."""

from typing import Any, Self

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from generation import inputs
from generation.web import brought
from generation.web.brought import Brought
from generation.wire.pollinations import image_addresses
from pollweb.lib.errors import PollwebError


class PicturesInput(forms.FileInput):
    allow_multiple_selected = True


class Pictures(forms.FileField):
    """Any number of files."""

    widget = PicturesInput

    def clean(self, data: Any, initial: Any = None) -> Any:
        return [super(Pictures, self).clean(file, initial) for file in data or ()]


class WithPictures(forms.Form):
    """`brought` are the pictures that are in the store; files and addresses are looked at by `bring`."""

    pictures = Pictures(required=False)
    addresses = forms.CharField(max_length=8000, required=False, widget=forms.Textarea)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.files_to_come = 0  # that a page has chosen and not sent yet
        self.lost = 0
        self.brought: list[Brought] = list(self.initial.get("brought", ()))
        if self.is_bound and isinstance(self.data, MultiValueDict):
            self.brought, self.lost = brought.named(self.data.getlist("kept")[: inputs.MOST_PICTURES])
            announced = self.data.get("files", "")
            self.files_to_come = min(inputs.MOST_PICTURES, int(announced)) if announced.isdecimal() else 0

    @property
    def sources(self) -> tuple[str | bytes, ...]:
        """The pictures as code names them: digests, addresses, and nothing but their number for files."""
        return (*(picture.digest for picture in self.brought), *self._addresses(), *[b""] * self.files_to_come)

    @property
    def has_pictures(self) -> bool:
        return bool(self.sources or self.files)

    def bring(self) -> None:
        """Store what came along with the form, once, before it is asked whether it is valid."""
        self.full_clean()
        self.files_to_come = 0
        given, addresses = self.cleaned_data.get("pictures", []), self._addresses()
        if self.lost:
            self.add_error("pictures", _("A picture is no longer here. Choose it again."))
        if len(self.brought) + len(given) + len(addresses) > inputs.MOST_PICTURES:
            sentence = gettext("Up to %(most)s pictures can be given.") % {"most": inputs.MOST_PICTURES}
            self.add_error("pictures", sentence)
            return
        for file in given:
            self._take("pictures", file.read())
        refused = [address for address in addresses if not self._take("addresses", address)]
        # What is in the store now is not to be brought again.
        data: Any = self.data
        self.data = data = data.copy()
        data["addresses"] = "\n".join(refused)

    def copy(self, values: dict[str, Any]) -> Self:
        """The same form with these values in its fields."""
        other = type(self)(values)
        other.brought, other.files_to_come = self.brought, self.files_to_come
        return other

    def _addresses(self) -> tuple[str, ...]:
        return image_addresses(str(self["addresses"].value() or "").splitlines())

    def _take(self, field: str, source: str | bytes) -> bool:
        try:
            self.brought.append(brought.take(source))
        except PollwebError as error:
            self.add_error(field, error.message)
            return False
        return True

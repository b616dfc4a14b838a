from django import forms


class Small(forms.Form):
    name = forms.CharField(label="Name", help_text="As others see it")
    agree = forms.BooleanField(label="Agree")
    pick = forms.ChoiceField(label="Pick", choices=[("a", "A"), ("b", "B")], widget=forms.RadioSelect)


def test_a_field_has_its_label_help_and_error_above_it():
    drawn = Small({"name": "", "agree": "on", "pick": "a"})["name"].as_field_group()
    order = [drawn.index(part) for part in ("<label", 'id="id_name_helptext"', 'id="id_name_error"', "<input")]
    assert order == sorted(order)
    assert 'aria-describedby="id_name_helptext id_name_error"' in drawn
    assert 'aria-invalid="true"' in drawn
    assert 'class="input"' in drawn


def test_a_refused_form_says_on_top_what_is_wrong_with_links():
    drawn = str(Small({"name": "", "pick": "c"}))
    assert drawn.index('role="alert"') < drawn.index('<a href="#id_name"') < drawn.index("<label")


def test_choices_are_a_fieldset_with_a_legend():
    drawn = Small()["pick"].as_field_group()
    assert "<fieldset" in drawn
    assert "<legend>Pick" in drawn

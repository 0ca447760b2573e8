"""The login form: what the sign-in page shows and what the login API describes."""

from django import forms
from django.utils.translation import gettext_lazy as _


class LoginForm(forms.Form):
    """An account, by e-mail or username, and its password."""

    email_or_username = forms.CharField(
        label=_("Email or username"),
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


def describe(form, method, submit_url, names):
    """
    Describe ``form`` as JSON-ready data, for clients that draw it themselves.

    ``names`` maps the form's own field names to those of the endpoint, where they differ.
    """
    return {
        "method": method,
        "submit_url": submit_url,
        "fields": [
            {
                "name": names.get(name, name),
                "label": str(field.label),
                "type": field.widget.input_type,
                "required": field.required,
                "defaultValue": "",
                "placeholder": "",
                "instructions": str(field.help_text),
                "restrictions": {},
                "errorMessages": {},
            }
            for name, field in form.base_fields.items()
        ],
    }

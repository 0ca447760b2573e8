"""The login form: what the sign-in page shows and what the login API describes."""

from django import forms
from django.utils.translation import gettext_lazy as _


class LoginForm(forms.Form):
    """An account, by e-mail or username, and its password."""

    email_or_username = forms.CharField(
        label=_("Email or username"),
        error_messages={"required": _("Enter your email or username.")},
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label=_("Password"),
        error_messages={"required": _("Enter your password.")},
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def tie_to_message(self, element_id):
        """Tie the fields that were refused to the message in the element of this id; without one at fault, all."""
        for name in self.errors.keys() & self.fields.keys() or self.fields:
            self.fields[name].widget.attrs.update({"aria-invalid": "true", "aria-describedby": element_id})


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

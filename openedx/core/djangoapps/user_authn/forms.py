"""The login form of the sign-in page and of the login API."""

from django import forms


class LoginForm(forms.Form):
    """The e-mail address or username of an account, and its password."""

    email_or_username = forms.CharField(
        label="Email or username",
        error_messages={"required": "Enter your email or username."},
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label="Password",
        error_messages={"required": "Enter your password."},
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def tie_to_message(self, element_id):
        """Mark the fields at fault as invalid and as described by the element ``element_id``. Without one, mark all."""
        for name in self.errors.keys() & self.fields.keys() or self.fields:
            self.fields[name].widget.attrs.update({"aria-invalid": "true", "aria-describedby": element_id})


def describe_login_form(submit_url, names):
    """
    Return a description of the login form as JSON-ready data, for clients that draw the form themselves.

    ``names`` maps names of fields to the names that the endpoint uses instead.
    """
    return {
        "method": "post",
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
            for name, field in LoginForm.base_fields.items()
        ],
    }

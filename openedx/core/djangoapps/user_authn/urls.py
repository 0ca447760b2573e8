"""The URLs of the login path, the same as on the platform."""

from django.urls import path, re_path

from openedx.core.djangoapps.user_authn.views.login import API_V1, LoginSessionView, login_user
from openedx.core.djangoapps.user_authn.views.login_form import login_and_registration_form
from openedx.core.djangoapps.user_authn.views.logout import logout_user

login_session = LoginSessionView.as_view()

urlpatterns = [
    path("login", login_and_registration_form, name="signin_user"),
    path("login_ajax", login_user, name="login_api"),
    path("logout", logout_user, name="logout"),
    path("user_api/v1/account/login_session/", login_session, {"api_version": API_V1}, "user_api_login_session_legacy"),
    re_path(
        r"^api/user/(?P<api_version>v[12])/account/login_session/$",
        login_session,
        name="user_api_login_session",
    ),
]

"""The URLs of the student app."""

from django.urls import path

from common.djangoapps.student.views import student_dashboard

urlpatterns = [path("dashboard", student_dashboard, name="dashboard")]

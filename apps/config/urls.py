"""URLs of the web application: the console at the root, and Django's admin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

admin.site.site_title = admin.site.site_header = "synctrace"
admin.site.index_title = "What is stored"

urlpatterns = [
    path("", include("apps.console.web.urls")),
    path("admin/", admin.site.urls),
]

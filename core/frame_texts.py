"""The words around every page, in the page's language: bar, account menu, foot.

A page says its language by `language` in its context, as `core.page_texts` puts it there; one that
says none is in English.
"""

from __future__ import annotations

from typing import Final

from core.page_texts import PageTexts

FRAME: Final = PageTexts(
    texts={
        "en": {
            "skip": "Skip to the content",
            "main": "Main",
            "menu": "Menu",
            "log_in": "Log in",
            "log_out": "Log out",
            "create_company": "Create a company",
            "console": "Console",
            "inbox": "Inbox",
            "workflows": "Workflows",
            "studio": "Studio",
            "talk": "Talk",
            "account_of": "Account menu of",
            "profile": "Profile",
            "conversations": "My conversations",
            "wallet": "Wallet",
            "administration": "Administration",
            "role_owner": "owner",
            "role_member": "member",
            "role_operator": "operator",
            "theme": "Colour theme: {now}. Switch to {next}",
            "theme_system": "system",
            "theme_light": "light",
            "theme_dark": "dark",
            "crumbs": "Breadcrumb",
            "messages": "Messages",
            "foot": "Parley: conversations that both sides can use.",
            "widget_example": "Widget example",
        },
        "es": {
            "skip": "Saltar al contenido",
            "main": "Principal",
            "menu": "Menú",
            "log_in": "Iniciar sesión",
            "log_out": "Cerrar sesión",
            "create_company": "Crear una empresa",
            "console": "Consola",
            "inbox": "Bandeja",
            "workflows": "Flujos de trabajo",
            "studio": "Estudio",
            "talk": "Hablar",
            "account_of": "Menú de la cuenta de",
            "profile": "Perfil",
            "conversations": "Mis conversaciones",
            "wallet": "Monedero",
            "administration": "Administración",
            "role_owner": "titular",
            "role_member": "miembro",
            "role_operator": "operador",
            "theme": "Tema de color: {now}. Cambiar a {next}",
            "theme_system": "sistema",
            "theme_light": "claro",
            "theme_dark": "oscuro",
            "crumbs": "Ruta de navegación",
            "messages": "Mensajes",
            "foot": "Parley: conversaciones que sirven a las dos partes.",
            "widget_example": "Ejemplo del «widget»",
        },
    },
    phrases={"en": (), "es": ()},
)

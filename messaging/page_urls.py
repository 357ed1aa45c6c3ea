"""Pages of the inbox and the simulator."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from messaging.views import inbox, numbers, shop, simulator

urlpatterns: list[URLPattern | URLResolver] = [
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/list/", inbox.inbox_list, name="inbox_list"),
    path("inbox/media/<int:message_id>/", inbox.inbox_media, name="inbox_media"),
    path("inbox/media/sent/<str:outbound_id>/", inbox.inbox_sent_media, name="inbox_sent_media"),
    path("inbox/<str:conversation_id>/", inbox.inbox, name="inbox_conversation"),
    path("inbox/<str:conversation_id>/reply/", inbox.inbox_reply, name="inbox_reply"),
    path("inbox/<str:conversation_id>/do/<str:action>/", inbox.inbox_action, name="inbox_action"),
    path("simulator/", simulator.simulator, name="simulator"),
    path("simulator/phones/", simulator.phone_new, name="simulator_phone_new"),
    path("simulator/<str:phone_id>/", simulator.simulator, name="simulator_phone"),
    path("simulator/<str:phone_id>/feed/", simulator.phone_feed, name="simulator_feed"),
    path("simulator/<str:phone_id>/messages/", simulator.phone_write, name="simulator_write"),
    path("simulator/<str:phone_id>/read/", simulator.phone_read, name="simulator_read"),
    path("simulator/<str:phone_id>/files/", simulator.phone_file, name="simulator_file"),
    path(
        "simulator/<str:phone_id>/media/<str:wamid>/", simulator.phone_media, name="simulator_media"
    ),
    path("simulator/<str:phone_id>/faults/", simulator.faults_save, name="simulator_faults"),
    path("shop/", shop.shop, name="shop"),
    path("shop/save/<str:part>/", shop.shop_save, name="shop_save"),
    path("shop/questions/", shop.faq_list, name="shop_faq"),
    path("shop/questions/new/", shop.faq_edit, name="shop_faq_new"),
    path("shop/questions/<str:entry_id>/", shop.faq_edit, name="shop_faq_edit"),
    path("shop/catalogue/", shop.goods_list, name="shop_goods"),
    path("shop/catalogue/new/", shop.product_edit, name="shop_product_new"),
    path("shop/catalogue/<str:product_id>/", shop.product_edit, name="shop_product"),
    path("shop/templates/", shop.template_list, name="shop_templates"),
    path("shop/numbers/", numbers.number_list, name="shop_numbers"),
    path("shop/numbers/new/", numbers.number_edit, name="shop_number_new"),
    path("shop/numbers/<str:number_id>/", numbers.number_edit, name="shop_number"),
]

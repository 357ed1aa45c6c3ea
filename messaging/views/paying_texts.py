"""The words of the pay page, in Spanish and English."""

from __future__ import annotations

PAY_TEXTS: dict[str, dict[str, str]] = {
    "es": {
        "title": "Pagar pedido",
        "lead": "Revisa tu pedido y págalo aquí.",
        "item": "Producto",
        "quantity": "Cantidad",
        "amount": "Importe",
        "delivery": "Envío",
        "free": "gratis",
        "total": "Total",
        "pay": "Pagar",
        "paying": "Un momento…",
        "play_title": "Dinero de juego",
        "play": "Esta tienda usa dinero de juego: al pulsar el botón no se cobra nada de verdad.",
        "paid_title": "Pagado",
        "paid": "Recibimos tu pago. Te confirmamos por WhatsApp; ya puedes cerrar esta página.",
        "waiting_title": "Esperando la confirmación del pago",
        "waiting": "Suele tardar unos segundos. Te avisamos por WhatsApp; si quieres, vuelve a "
        "cargar esta página.",
        "over_title": "Este pedido ya no se puede pagar",
        "over": "Se canceló o pasó el tiempo para pagarlo. Escríbenos por WhatsApp para pedirlo de "
        "nuevo.",
        "refund_title": "Te debemos este pago",
        "refund": "El pago llegó cuando el pedido ya estaba cancelado. Una persona te lo "
        "devolverá.",
        "problem_title": "No se pudo pagar",
        "not_payable": "Este pedido ya no se puede pagar.",
        "payment_unavailable": "El servicio de pago no responde ahora. Inténtalo en un minuto.",
        "rate_limited": "Demasiados intentos seguidos. Espera un minuto y vuelve a intentarlo.",
    },
    "en": {
        "title": "Pay order",
        "lead": "Check your order and pay for it here.",
        "item": "Item",
        "quantity": "Quantity",
        "amount": "Amount",
        "delivery": "Delivery",
        "free": "free",
        "total": "Total",
        "pay": "Pay",
        "paying": "One moment…",
        "play_title": "Play money",
        "play": "This shop uses play money: the button charges nothing for real.",
        "paid_title": "Paid",
        "paid": "We received your payment and confirm it on WhatsApp; you may close this page.",
        "waiting_title": "Waiting for the payment to be confirmed",
        "waiting": "This usually takes a few seconds. We will tell you on WhatsApp; reload this "
        "page if you like.",
        "over_title": "This order can no longer be paid",
        "over": "It was cancelled, or the time to pay is over. Write to us on WhatsApp to order "
        "again.",
        "refund_title": "We owe you this payment",
        "refund": "The payment came when the order had been cancelled. A person will return it.",
        "problem_title": "The payment did not work",
        "not_payable": "This order can no longer be paid.",
        "payment_unavailable": "The payment service does not answer now. Try again in a minute.",
        "rate_limited": "Too many tries in a row. Wait a minute and try again.",
    },
}

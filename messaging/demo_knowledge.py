"""What the demo shop says about itself: profile, hours, policies, questions. Plain values."""

from __future__ import annotations

from typing import Any

PROFILE: dict[str, Any] = {
    "name": "Kettle & Co",
    "about_es": "Tostador de café de barrio en la colonia Roma.",
    "about_en": "A neighbourhood coffee roaster in Mexico City's Roma.",
    "address": "Calle Tonalá 118, Roma Norte, Ciudad de México",
    "directions_es": "A cinco minutos a pie del metro Insurgentes. Hay bicipuerto en la puerta.",
    "directions_en": "Five minutes on foot from the Insurgentes metro. Bike racks at the door.",
    "latitude": 19.4166,
    "longitude": -99.1620,
    "phone": "+52 55 5555 0118",
    "email": "hola@kettle.example",
    "time_zone": "America/Mexico_City",
    "currency": "MXN",
    "default_language": "es",
    "allows_pickup": True,
}
#: Weekday (0 is Monday), opens, closes.
HOURS: tuple[tuple[int, str, str], ...] = (
    *((day, "08:00", "20:00") for day in range(5)),
    (5, "09:00", "20:00"),
    (6, "09:00", "15:00"),
)
#: Month, day, notes. Closed.
HOLIDAYS: tuple[tuple[int, int, str, str], ...] = (
    (12, 25, "Navidad", "Christmas"),
    (1, 1, "Año Nuevo", "New Year"),
)
POLICIES: dict[str, tuple[str, str]] = {
    "returns": (
        "Tienes 30 días desde la entrega para devolver lo que no te convenza, sin usar y en su "
        "empaque. El café abierto no se devuelve, pero si llegó mal lo cambiamos siempre.",
        "You have 30 days from delivery to return what does not suit you, unused and in its "
        "packaging. Opened coffee cannot be returned, but we always replace what arrived bad.",
    ),
    "shipping": (
        "Tostamos los martes y enviamos de lunes a sábado. Así entregamos:",
        "We roast on Tuesdays and ship Monday to Saturday. This is where we deliver:",
    ),
    "payment": (
        "Pagas con tarjeta en el enlace que te mando al confirmar. En tienda también aceptamos "
        "efectivo y transferencia. No hay pago contra entrega.",
        "You pay by card on the link I send when you confirm. In the shop we also take cash and "
        "bank transfer. There is no cash on delivery.",
    ),
    "warranty": (
        "Molinos, básculas y cafeteras tienen un año de garantía con nosotros contra defectos de "
        "fábrica.",
        "Grinders, scales and brewers have a one-year warranty with us against defects.",
    ),
    "cancellation": (
        "Puedes cancelar sin costo hasta que empezamos a preparar tu pedido. Si ya lo pagaste, te "
        "devolvemos todo.",
        "You can cancel free of charge until we begin to prepare your order. If you have paid, you "
        "get everything back.",
    ),
    "privacy": (
        "Usamos tu número y tu dirección solo para atenderte y entregar tus pedidos. Escribe BAJA "
        "y no te escribimos más.",
        "We use your number and address only to serve you and deliver your orders. Write STOP and "
        "we will not write again.",
    ),
}
#: Topic, question and answer in Spanish, in English, further words.
FAQ: tuple[tuple[str, str, str, str, str, str], ...] = (
    (
        "product",
        "¿De dónde viene su café?",
        "De tres cooperativas de Oaxaca, Chiapas y Veracruz que visitamos cada cosecha.",
        "Where does your coffee come from?",
        "From three cooperatives in Oaxaca, Chiapas and Veracruz that we visit every harvest.",
        "origen origin finca",
    ),
    (
        "product",
        "¿Tuestan ustedes el café?",
        "Sí, cada martes, en la tienda. Puedes venir a verlo.",
        "Do you roast the coffee yourselves?",
        "Yes, every Tuesday, in the shop. Come and watch.",
        "tuestan tueste roast",
    ),
    (
        "product",
        "¿Cuánto dura el café abierto?",
        "Un mes en su bolsa, bien cerrada, en un lugar fresco "
        "y oscuro. No lo guardes en el refrigerador.",
        "How long does opened coffee keep?",
        "A month in its bag, well closed, in a cool dark place. Do not keep it in the fridge.",
        "conserva guardar store caduca",
    ),
    (
        "product",
        "¿Qué molienda uso para prensa francesa?",
        "Gruesa, como sal de mar. Si lo pides molido para prensa, lo molemos así sin costo.",
        "Which grind for a French press?",
        "Coarse, like sea salt. Ask for it and we grind it that way at no charge.",
        "moler molido grind",
    ),
    (
        "product",
        "¿Muelen el café?",
        "Sí, sin costo. Dinos con qué lo preparas y lo molemos para eso.",
        "Do you grind the coffee?",
        "Yes, at no charge. Tell us how you brew and we grind it for that.",
        "molido ground",
    ),
    (
        "product",
        "¿Qué diferencia hay entre arábica y robusta?",
        "Arábica es más dulce y aromática; "
        "robusta es más amarga y tiene más cafeína. Vendemos solo arábica.",
        "What is the difference between arabica and robusta?",
        "Arabica is sweeter and more aromatic; robusta is more bitter "
        "with more caffeine. We sell arabica only.",
        "tipos variedad",
    ),
    (
        "product",
        "¿El descafeinado tiene cafeína?",
        "Muy poca: menos del 0.1 %.",
        "Is there caffeine in the decaf?",
        "Very little: less than 0.1 %.",
        "cafeina caffeine",
    ),
    (
        "product",
        "¿Sus productos tienen gluten?",
        "El café, el té y el chocolate no llevan gluten.",
        "Are your products gluten free?",
        "Coffee, tea and chocolate contain no gluten.",
        "celiaco alergenos allergens",
    ),
    (
        "product",
        "¿El chocolate es vegano?",
        "Sí: cacao, azúcar y canela, sin leche.",
        "Is the chocolate vegan?",
        "Yes: cocoa, sugar and cinnamon, no milk.",
        "leche milk vegana",
    ),
    (
        "product",
        "¿El empaque es reciclable?",
        "La caja sí; la bolsa es compostable en casa, sin la válvula.",
        "Is the packaging recyclable?",
        "The box is; the bag can be composted at home, without its valve.",
        "bolsa compostable reciclan recycle",
    ),
    (
        "general",
        "¿Dan cursos de barista?",
        "Sí, los sábados a las 11:00 en la tienda, dos horas. Los encuentras en el catálogo.",
        "Do you run barista classes?",
        "Yes, Saturdays at 11:00 in the shop, two hours. You find them in the catalogue.",
        "clases taller workshop",
    ),
    (
        "general",
        "¿Venden al por mayor?",
        "Sí, desde 10 kg al mes, con precio especial. Escribe a mayoreo@kettle.example.",
        "Do you sell wholesale?",
        "Yes, from 10 kg a month, at special prices. Write to mayoreo@kettle.example.",
        "mayoreo mayorista cafeterias bulk",
    ),
    (
        "general",
        "¿Hacen factura?",
        "Sí. Manda tu constancia fiscal a facturas@kettle.example el mismo mes de tu compra.",
        "Do you give tax invoices?",
        "Yes. Send your tax id to facturas@kettle.example in the month of your purchase.",
        "facturan invoice rfc cfdi",
    ),
    (
        "general",
        "¿Tienen programa de puntos?",
        "Sí: por cada 10 bolsas, una gratis. Se cuenta sola con tu número.",
        "Do you have a loyalty programme?",
        "Yes: ten bags, one free. It counts by itself with your number.",
        "lealtad loyalty puntos socio",
    ),
    (
        "general",
        "¿Aceptan mascotas?",
        "Claro, hay agua para ellas en la terraza.",
        "Are dogs allowed?",
        "Of course, there is water for them on the terrace.",
        "perro perros pet pets",
    ),
    (
        "general",
        "¿Tienen wifi?",
        "Sí, gratis; pide la clave en la barra.",
        "Is there wifi?",
        "Yes, free; ask for the key at the bar.",
        "internet clave",
    ),
    (
        "general",
        "¿Están contratando?",
        "Casi siempre buscamos baristas. Manda tu CV a equipo@kettle.example.",
        "Are you hiring?",
        "We nearly always look for baristas. Send your CV to equipo@kettle.example.",
        "empleo trabajo vacantes jobs",
    ),
    (
        "general",
        "¿Cuál es su Instagram?",
        "@kettle.example: ahí avisamos de cosechas nuevas.",
        "What is your Instagram?",
        "@kettle.example: new harvests are announced there.",
        "redes facebook",
    ),
    (
        "general",
        "¿Tienen página web?",
        "Nuestra tienda es este chat; la página está en camino.",
        "Do you have a website?",
        "Our shop is this chat; the website is on its way.",
        "sitio web online",
    ),
    (
        "order",
        "¿Envuelven para regalo?",
        "Sí, sin costo. Dilo al confirmar y escribimos tu tarjeta.",
        "Do you gift wrap?",
        "Yes, at no charge. Say so when you confirm and we write your card.",
        "regalo envoltura wrapping",
    ),
    (
        "order",
        "¿Puedo recoger en tienda?",
        'Sí, al día siguiente desde que abrimos. Elige "Lo recojo" al pagar.',
        "Can I pick up in the shop?",
        'Yes, from the next day on. Choose "I pick it up" when you check out.',
        "pickup recoger",
    ),
    (
        "order",
        "¿Hay suscripción mensual?",
        "Todavía no, pero escribe *repetir* y te pongo en el carrito tu último pedido.",
        "Is there a monthly subscription?",
        "Not yet, but write *repeat* and I put your last order into the cart.",
        "suscribir subscribe mensualidad",
    ),
    (
        "trouble",
        "Mi molino no muele",
        "Vacíalo, gira el ajuste dos pasos hacia grueso y muele un puñado "
        "de arroz seco. Si hace ruido o sigue igual, lo cambiamos: tiene un año de garantía.",
        "My grinder does not grind",
        "Empty it, turn the setting two steps coarser and grind a handful "
        "of dry rice. If it is noisy or still stuck we replace it: it has a year's warranty.",
        "molinillo atorado ruido stuck noise",
    ),
    (
        "trouble",
        "Mi prensa francesa deja pasar posos",
        "Muele más grueso y baja el émbolo despacio. Si la malla está doblada, te mandamos otra.",
        "My French press lets grounds through",
        "Grind coarser and press slowly. If the mesh is bent we send you another.",
        "malla filtro embolo mesh",
    ),
    (
        "trouble",
        "La cafetera italiana gotea",
        "Limpia la goma, apriétala con el agua por debajo de la "
        "válvula y usa fuego medio. La goma se cambia gratis el primer año.",
        "The moka pot leaks",
        "Clean the gasket, screw it tight with the water below the valve, and use medium heat. The "
        "gasket is replaced free in the first year.",
        "moka fuga goma leak gasket",
    ),
    (
        "trouble",
        "La báscula no enciende",
        "Cambia las dos pilas AAA y mantén el botón tres segundos. Si no prende, la cambiamos.",
        "The scale does not turn on",
        "Change both AAA batteries and hold the "
        "button for three seconds. If it stays off we replace it.",
        "pilas prende batteries power",
    ),
    (
        "trouble",
        "El enlace de pago no abre",
        "Ábrelo en el navegador del teléfono, no dentro de otra "
        "aplicación. Si ya venció, escribe *pagar* y te mando otro.",
        "The payment link does not open",
        "Open it in your phone's browser, not inside another app. If it has expired, write *pay* "
        "and I send another.",
        "link pago error pagina",
    ),
)
#: Name, language, category, body.
TEMPLATES: tuple[tuple[str, str, str, str], ...] = (
    ("order_shipped", "es", "utility", "Hola {{1}}, tu pedido {{2}} va en camino."),
    ("order_shipped", "en", "utility", "Hello {{1}}, your order {{2}} is on its way."),
    ("ticket_answered", "es", "utility", "Hola {{1}}, respondimos tu caso {{2}}. Escríbenos aquí."),
    (
        "ticket_answered",
        "en",
        "utility",
        "Hello {{1}}, we answered your ticket {{2}}. Write us here.",
    ),
)

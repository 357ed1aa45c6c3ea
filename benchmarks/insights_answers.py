"""Short survey answers with known codes, for measuring the insights agent.

Written by hand for this benchmark, one code an answer, on one question in English and Spanish.
`make_answers` adds the openings and endings people wrap their answers in, so that one set of
cores gives as many answers as are wanted without repeating one word for word.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

QUESTIONS = {
    "en": "What went wrong, or could have gone better, with your last grocery order?",
    "es": "¿Qué salió mal, o pudo salir mejor, en su último pedido del supermercado?",
}

CORES: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "late": (
            "the van came an hour late and I had to leave for work",
            "delivery slot was six to eight, it arrived at half past nine",
            "it was late, really late, the kids were already in bed",
            "I waited all evening because the delivery was delayed twice",
            "they moved my slot to the next day without asking",
            "late again, third time this month",
            "the tracking said ten minutes for over an hour",
            "the delivery turned up long after the slot I paid for",
            "I booked the early slot and they showed up at noon",
            "nobody told me the van was running late",
            "it came the day after",
            "the delay meant I had no dinner to cook",
        ),
        "missing": (
            "the milk and the bread were missing",
            "three items were missing from the bags",
            "they forgot the nappies, which was the whole reason I ordered",
            "half of my order never made it into the bags",
            "one bag was missing altogether and it had the meat in it",
            "I was charged for eggs that weren't there",
            "missing items every single time, this time the coffee",
            "the receipt listed cheese but there was no cheese",
            "two of the things I ordered were not in the crate",
            "they left out the butter and the yoghurt",
            "some items were missing and I only saw it the next morning",
            "the order was incomplete, no vegetables at all",
        ),
        "substitution": (
            "they replaced the oat milk with cow's milk and I'm allergic",
            "silly substitutions, tomato soup instead of tomatoes",
            "the replacement for the shampoo was dog shampoo",
            "I asked for no substitutions and got four of them",
            "they swapped the gluten free pasta for ordinary pasta",
            "the substitute cost twice as much as what I picked",
            "wrong brand of coffee as a substitution, I can't drink it",
            "instead of chicken they sent a vegetarian replacement",
            "substitutions I never agreed to",
            "the replacement items made no sense",
            "they substituted the decaf with the strong one",
            "a swap for the baby formula without a call first",
        ),
        "freshness": (
            "the strawberries were mouldy on the bottom",
            "the salad was brown and the date was the same day",
            "bruised apples and a soft cucumber",
            "meat with one day left before the expiry date",
            "the fish smelled off when I opened it",
            "the bananas were black, I would never have picked those",
            "bread was stale and the avocados were hard as stones",
            "everything fresh had a short date on it",
            "mouldy lemons, I threw the bag away",
            "the vegetables were limp, not fresh at all",
            "milk that expired the next day",
            "rotten tomatoes hidden under good ones",
        ),
        "app": (
            "the app crashed when I got to the payment page",
            "my basket emptied itself when I changed the address in the app",
            "the app logs me out every time and forgets my basket",
            "search in the app finds nothing, I typed rice and got mice traps",
            "the website would not take my card, I tried three browsers",
            "the app is slow and the buttons jump around",
            "checkout froze and I was charged twice",
            "I could not edit the order in the app after paying",
            "the voucher field in the app did nothing",
            "login on the website failed until I reset the password",
            "app notifications came after the food did",
            "the app showed things in stock that were sold out at checkout",
        ),
        "driver": (
            "the driver left the bags at the wrong house",
            "the driver was rude when I asked him to wait a second",
            "he would not carry the crates up to the second floor",
            "the driver rang once and drove off",
            "the courier couldn't find the door and shouted down the phone",
            "the driver put the frozen food in the sun by the gate",
            "our driver handed the bags to a neighbour we don't know",
            "the courier blocked the whole street and argued with people",
            "the driver didn't have my order on his list",
            "the man who brought it was impatient with my mother",
            "driver walked over the flower bed with the trolley",
            "the courier threw the bags over the fence",
        ),
        "price": (
            "the prices online are higher than in the shop",
            "the delivery fee went up again, it's seven pounds now",
            "too expensive once they add the service fee",
            "I paid a fee for a small basket that nobody mentioned",
            "the offers in the leaflet were not applied, so it cost more",
            "the total price changed between the basket and the bill",
            "the fees are hidden until the last page",
            "everything got more expensive, twelve pounds more than last month",
            "the discount did not come off the price",
            "they charged a tip I never agreed to",
            "minimum spend is too high for one person",
            "a bag fee on top of the delivery fee",
        ),
        "packaging": (
            "the eggs were broken because they sat under the potatoes",
            "far too many plastic bags, one for a single onion",
            "a jar leaked over everything, the bags were soaked",
            "the bags tore on the way to the kitchen",
            "no cool bag, so the ice cream had melted",
            "heavy tins packed on top of the bread, all squashed",
            "bleach in the same bag as the food",
            "the packaging was soaked and the flour bag had burst",
            "yoghurt pots burst inside the bag",
            "bags so overfilled that the handles broke",
            "crushed crisps and broken biscuits, badly packed",
            "the frozen peas had melted, they were not packed cold",
        ),
        "support": (
            "customer service kept me on hold for forty minutes",
            "the chat bot went in circles and I never reached a person",
            "I asked for a refund two weeks ago and still wait for it",
            "customer service offered a voucher when I wanted my money back",
            "they closed my complaint without an answer",
            "the refund was for half of what I lost",
            "no phone number anywhere, only a form nobody answers",
            "the helpline told me to write an email and the email bounced",
            "customer service was friendly but could do nothing",
            "I had to send photos three times to get a refund",
            "my complaint was answered with a copied text",
            "the chat closed on me in the middle of a sentence",
        ),
    },
    "es": {
        "late": (
            "el pedido llegó dos horas tarde y ya había cenado",
            "la entrega era de seis a ocho y vino a las diez",
            "se retrasó la entrega sin avisar a nadie",
            "me cambiaron la franja para el día siguiente",
            "otra vez tarde, es la tercera",
            "esperé toda la tarde y el retraso fue enorme",
            "la entrega llegó mucho después de la hora que pagué",
            "por el retraso me quedé sin comida para los niños",
        ),
        "missing": (
            "faltaban la leche y el pan",
            "no venían los pañales, que era lo que más urgía",
            "me faltaron tres productos de la lista",
            "cobraron unos huevos que no estaban en la bolsa",
            "olvidaron una bolsa entera, la de la carne",
            "el pedido vino incompleto, sin verduras",
            "siempre faltan productos, esta vez el café",
            "en el recibo ponía queso y no había queso",
        ),
        "substitution": (
            "cambiaron la leche de avena por leche de vaca y soy alérgica",
            "me pusieron un sustituto que costaba el doble",
            "pedí que no hubiera sustituciones y llegaron cuatro",
            "la sustitución del champú fue un champú para perros",
            "reemplazaron la pasta sin gluten por la normal",
            "sustituciones sin sentido, sopa de tomate en lugar de tomates",
            "otra marca de café como sustituto, y no la tomo",
            "sustituyeron el descafeinado por el fuerte",
        ),
        "freshness": (
            "las fresas venían con moho por debajo",
            "la lechuga estaba podrida y caducaba ese día",
            "la fruta llegó golpeada y muy madura",
            "el pescado olía mal al abrirlo",
            "los plátanos estaban negros",
            "la carne caducaba al día siguiente",
            "la fruta no estaba fresca, se echó a perder en dos días",
            "tomates podridos debajo de los buenos",
        ),
        "app": (
            "la aplicación se cerró justo al pagar",
            "se vació el carrito cuando cambié la dirección en la aplicación",
            "la página web no aceptaba mi tarjeta",
            "el buscador de la aplicación no encuentra nada",
            "la aplicación es lenta y se traba",
            "pagué dos veces porque la web se quedó congelada",
            "no pude modificar el pedido en la aplicación",
            "la aplicación me pide la contraseña cada vez",
        ),
        "driver": (
            "el repartidor dejó las bolsas en otra casa",
            "el repartidor fue grosero conmigo",
            "no quiso subir las cajas al segundo piso el repartidor",
            "el repartidor tocó una vez y se fue",
            "el chófer no encontraba la puerta y me gritó por teléfono",
            "el repartidor entregó todo a un vecino que no conozco",
            "el repartidor dejó los congelados al sol",
            "el muchacho que lo trajo se impacientó con mi madre",
        ),
        "price": (
            "los precios son más altos que en la tienda",
            "el envío subió otra vez, ya cuesta seis euros",
            "sale caro con la comisión de servicio",
            "no aplicaron las ofertas del folleto y pagué más",
            "el precio total cambió entre el carrito y la factura",
            "cobran una comisión que no se ve hasta el final",
            "el pedido mínimo es muy alto para una persona sola",
            "el descuento no se restó del precio",
        ),
        "packaging": (
            "los huevos venían rotos debajo de las patatas",
            "demasiadas bolsas de plástico, una para una sola cebolla",
            "se derramó un frasco y se mojaron las bolsas",
            "las bolsas se rompieron camino a la cocina",
            "el helado llegó derretido, sin bolsa fría",
            "latas pesadas encima del pan, todo aplastado",
            "lejía en la misma bolsa que la comida",
            "los yogures reventaron dentro de la bolsa",
        ),
        "support": (
            "atención al cliente me tuvo cuarenta minutos esperando",
            "el chat daba vueltas y nunca hablé con una persona",
            "pedí el reembolso hace dos semanas y sigo esperando",
            "atención al cliente me ofreció un vale y yo quería mi dinero",
            "cerraron mi reclamación sin respuesta",
            "el reembolso fue solo de la mitad",
            "no hay teléfono, solo un formulario que no contestan",
            "mandé fotos tres veces para que me dieran el reembolso",
        ),
    },
}

OPENINGS = {
    "en": ("", "", "Well, ", "To be honest, ", "Honestly ", "Last time ", "Hmm, ", "So, "),
    "es": ("", "", "Bueno, ", "La verdad, ", "Pues ", "La última vez ", "Mire, "),
}
ENDINGS = {
    "en": (
        "",
        "",
        ".",
        ". That was it really.",
        ", and that annoyed me.",
        ". Otherwise fine.",
        "!",
    ),
    "es": ("", "", ".", ". Eso fue todo.", ", y me molestó.", ". Lo demás bien.", "!"),
}


@dataclass(frozen=True, slots=True)
class CodedAnswer:
    """One answer with the code it was written for."""

    text: str
    code: str
    language: str


def make_answers(
    language: str, *, variants: int = 2, seed: int = 7, cores_per_code: int | None = None
) -> list[CodedAnswer]:
    """Return the answers of one language in a fixed random order.

    Args:
        language: ``en`` or ``es``.
        variants: how often each core is used, with other openings and endings.
        seed: of the order and of the wrapping.
        cores_per_code: take only the first so many of each code.
    """
    rng = random.Random(seed)
    made: dict[str, CodedAnswer] = {}
    for code, cores in CORES[language].items():
        for core in cores[:cores_per_code]:
            wrapped: set[str] = set()
            while len(wrapped) < variants:
                opening = rng.choice(OPENINGS[language])
                text = f"{opening}{core}{rng.choice(ENDINGS[language])}"
                wrapped.add(text if opening else text[0].upper() + text[1:])
            for text in sorted(wrapped):
                made[text] = CodedAnswer(text, code, language)
    answers = list(made.values())
    rng.shuffle(answers)
    return answers

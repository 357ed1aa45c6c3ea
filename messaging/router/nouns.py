"""Things shops sell, in Spanish and English: evidence that somebody speaks of goods.

A closed list of common nouns, for any shop; what a certain shop sells is found in its catalogue.
"""

from __future__ import annotations

GOODS = """
    camisa* camiseta* playera* remera* blusa* pantalon* jean jeans vestido* falda* pollera*
    chamarra*
    chaqueta* campera* abrigo* saco sudadera* buzo* sueter* short shorts calcetin* medias zapato*
    tenis zapatilla* botas sandalia* gorra* sombrero* bufanda* guantes cinturon* bolso* mochila*
    cartera* reloj relojes lentes gafas anillo* collar* arete* pulsera* joya* joyeria pijama* ropa
    traje* corbata* uniforme* tacones bikini chaleco*
    shirt* tshirt* tee tees blouse* pants trousers dress* skirt* jacket* coat* hoodie* sweater*
    sock*
    shoe* sneaker* trainers boots sandals cap caps hat hats scarf gloves belt* bag_ backpack*
    wallet_
    purse* watch watches glasses sunglasses ring* necklace* earrings bracelet* jewelry pajamas
    clothes clothing suit suits tie_ uniform* heels leggings jumper* underwear bra bras swimsuit*
    celular* telefono_nuevo iphone* samsung* xiaomi motorola tablet* laptop* notebook* computadora*
    portatil* ordenador* monitor* teclado* mouse raton audifono* auricular* parlante* bocina*
    altavoz
    cargador* cable* funda* television* televisor* tele pantalla* consola* play playstation ps5 xbox
    nintendo impresora* camara* bateria* pila* memoria usb disco router microondas licuadora*
    refrigerador* nevera* heladera* lavadora* secadora* plancha* ventilador* aire_acondicionado
    estufa* horno* freidora* aspiradora* cafetera* batidora* tostadora*
    phone phones cellphone* computer* keyboard* headphone* earbuds earphones speaker* charger*
    case_for cases_for tv television screen_ console printer* camera* battery batteries memory_card
    microwave* blender* fridge* washer dryer* fan_ heater* oven* fryer* vacuum* toaster* drone*
    smartwatch* projector*
    cafe cafes coffee coffees espresso grano granos molido molida bean beans ground molino* grinder*
    prensa press chemex filtro* filter filters taza* mug mugs cup cups termo* thermos tetera*
    kettle*
    te_verde te_negro tea teas chocolate* leche milk latte capuchino cappuccino
    paracetamol ibuprofeno ibuprofen aspirina* aspirin medicamento* medicina* medicine* pastilla*
    jarabe* syrup crema* cream* shampoo champu jabon* soap* panal* diaper* mascarilla* mask masks
    alcohol gel vitamina* vitamin* protector_solar sunscreen termometro* thermometer* suero* serum
    toallas_femeninas toothpaste pasta_dental cepillo* brush* perfume* maquillaje makeup labial
    lipstick base_liquida tinte esmalte antibiotico* antibiotic* losartan insulina gasas bandages
    curitas tensiometro monitor_de lotion desodorante deodorant proteina protein
    mesa* silla* sofa sofas sillon* cama camas colchon* escritorio* librero* ropero* armario*
    estante* lampara* espejo* alfombra* cortina* cojin* almohada* sabana* cobija* manta mueble*
    table tables chair chairs couch* bed beds mattress* desk* bookcase* bookshelf wardrobe* shelf
    shelves lamp* mirror* rug* curtain* pillow* sheets blanket* furniture armchair* dresser*
    taladro* martillo* tornillo* clavo* pintura* cemento manguera* escalera* foco* bombillo*
    desarmador* destornillador* llave_inglesa tubo* brocha* cinta candado* drill* hammer* screw*
    nails paint cement hose* ladder* bulb* screwdriver* wrench* pipe* tape padlock* plywood
    pizza* hamburguesa* taco tacos torta tortas sushi ensalada* pastel* pay_de empanada* sandwich*
    pollo carne pescado arroz pasta papas refresco* coca soda cerveza* vino* agua jugo* pan panes
    galleta* queso* jamon huevo* fruta* verdura* helado* medialuna* arepa* burrito* quesadilla*
    alitas postre* combo* burger* fries salad* cake* chicken beef fish rice noodles drink* beer*
    wine* water juice* bread cookie* cheese ham egg eggs fruit* vegetable* ice_cream dessert* wings
    bagel* steak* soup* snack* donut* brisket croissant*
    libro* book books novela* novel cuaderno* notebook_ lapiz pluma* boligrafo* pencil* pen pens
    revista* magazine* comic* diccionario* dictionary atlas juguete* toy toys muneca* doll* juego*
    rompecabezas puzzle* lego balon pelota* ball balls bicicleta* bike* bicycle* patineta* raqueta*
    pesas dumbbell* tienda_de_campana tent tents carpa casco* helmet* guitarra* guitar*
    croquetas alimento_para comida_para_perro arena_para collar_para correa* leash dog_food cat_food
    cat_litter pecera kibble flores flor rosa rosas ramo* girasol* arreglo planta* flower* rose
    roses bouquet* sunflower* plant plants maceta* vela velas candle* regalo* canasta_de gift_basket
    globo* balloon* llanta* tire tires aceite refaccion* repuesto* spare_part* car_part* bujia*
"""

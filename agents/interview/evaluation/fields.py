"""Fields of words that surveys are about, English and Spanish, folded.

Owns nothing but the lists: an answer about a delivery need not repeat the word of the question,
but it stays among the words of deliveries. A field is active when the questions use its words.
"""

from __future__ import annotations

FIELDS: dict[str, frozenset[str]] = {
    name: frozenset(text.split())
    for name, text in {
        "ordering": """order orders ordered ordering delivery deliver delivered rider courier
            driver app basket cart checkout restaurant restaurants takeaway meal food dinner
            lunch pizza burger sushi ramen curry sauce bag tip fee menu dish cold hot late
            missing refund refunded kitchen cook cooking cooked pasta eggs hungry coupon map
            eta grocery groceries shop shopping shelf aisle substitute substitution
            supermarket store market butcher bread milk meat fruit vegetables detergent brand
            slot doorbell door pedido pedidos pedir pedi entrega entregar entregaron
            repartidor reparto comida cena restaurante propina bolsa frio fria caliente tarde
            falta faltaba reembolso carrito supermercado super tienda mandado carne carniceria
            verdura verduras fruta leche pan detergente oferta marca sustituyeron cambiaron
            cajero muchacho cobraron aplicacion""",
        "stay": """hotel stay stayed room rooms bed pillow shower bathroom towel towels
            breakfast reception receptionist lobby check checkin checkout key keys card lift
            elevator floor window view noise noisy wifi minibar fridge cot luggage suitcase
            staff housekeeping cleaner porter parking pool spa sheets booking booked night
            nights guest air conditioning habitacion cama almohada ducha bano toalla toallas
            desayuno recepcion llave tarjeta ascensor piso ventana vista ruido nevera cuna
            maleta personal limpieza piscina sabanas reserva reservado noche noches aire
            acondicionado""",
        "money": """bank banking account accounts money transfer transferred payment payee card
            cards balance statement statements loan mortgage savings branch cashier teller pin
            password login fingerprint security fraud scam standing debit direct credit bill
            bills fee fees charge charged invoice invoices receipt price prices cost costs
            cheap expensive discount refund banco cuenta dinero transferencia tarjeta saldo
            prestamo hipoteca ahorro sucursal cajero clave contrasena huella seguridad fraude
            estafa cobro cobraron cobrar recibo factura precio precios costo caro barato
            descuento pago pagar pague pesos soles euros""",
        "utility": """electricity power bill meter reading kilowatt kwh tariff supplier outage
            boiler heater heating gas water light fridge estimated due date luz electricidad
            factura recibo medidor contador lectura kilovatio tarifa apagon corte terma
            calefaccion gas agua alumbrado nevera estimada tecnico oficina consumo vencimiento
            lavadora foco bombillo""",
        "health": """doctor doctors nurse clinic hospital appointment appointments waiting wait
            room prescription pill pills tablet tablets medicine dose blood pressure test
            tests results pain symptom symptoms surgery dentist therapy referral receptionist
            phone queue diagnosis medico medica doctor doctora enfermera clinica hospital cita
            citas consulta espera sala receta pastilla pastillas medicina dosis presion sangre
            analisis examen resultados dolor sintomas ventanilla turno mama papa tratamiento
            explico""",
        "fitness": """gym workout training trainer class classes machine machines weights
            treadmill mat mats mirror mirrors changing locker lockers shower membership squat
            bench bike yoga swim pool coach session programme crowded music run running sweat
            gimnasio entrenar entreno entrenador clase clases maquina maquinas pesas cinta
            espejo vestuario taquilla ducha cuota bici yoga nadar piscina rutina sudar""",
        "software": """software app application website site screen button page menu click
            clicked tap login sign signed account import export file files spreadsheet
            spreadsheets csv excel column columns row rows invoice invoices dashboard report
            reports integration api setup install installed update updated crash crashed error
            errors bug bugs loading slow support chat help documentation tutorial video trial
            onboarding notification notifications settings template password email sync
            template templates field fields form programa aplicacion pagina pantalla boton
            clic archivo archivos hoja planilla columna fila importar exportar error errores
            soporte correo contrasena instalar actualizar notificacion ajustes formulario
            tutorial""",
        "shoes": """shoe shoes boot boots sneaker sneakers trainer trainers sandal sandals heel
            heels loafer size sizes sized fit fits fitted tight loose wide narrow toe toes
            instep ankle foot feet heel sole leather suede box parcel label return returned
            returns refund exchange photo photos website chart colour color shirt dress
            trousers jacket clothes fabric zapato zapatos zapatilla zapatillas bota botas
            talla tallas numero apretado ancho estrecho dedo pie pies suela cuero gamuza caja
            paquete etiqueta devolver devolvi devolucion foto color ropa tela vestido""",
        "transport": """bus buses train trains tram metro stop stops station interchange
            platform route line ride rode driver drivers ticket tickets pass timetable
            schedule seat seats standing crowded delay delayed late early miss missed
            connection commute travel walk walked minutes app board boarding fare car bike
            cycle traffic road transfer autobus bus camion tren metro parada estacion anden
            ruta linea viaje chofer conductor boleto pasaje horario asiento lleno retraso
            tarde temprano perder perdi conexion transbordo caminar trafico calle esquina
            combi micro""",
        "museum": """museum exhibition exhibit exhibits gallery room rooms object objects
            painting paintings sculpture machine machines label labels guide guided audio tour
            ticket shop cafe sign signs map floor visit visited visitors display case bench
            collection artist engine loom museo exposicion sala salas objeto objetos cuadro
            cuadros pintura escultura cartel carteles guia audioguia visita entrada tienda
            plano vitrina coleccion artista""",
        "learning": """course courses class classes lesson lessons teacher teachers tutor
            homework practice practise practising exercise exercises exam grammar vocabulary
            speaking listening language german english french spanish student students group
            book textbook online zoom term level beginner study studied learn learned learning
            school university curso cursos clase clases profesor profesora profe tarea tareas
            practica practicar ejercicio ejercicios examen gramatica vocabulario idioma ingles
            aleman frances alumno alumnos grupo libro nivel estudiar estudio aprender aprendi
            escuela universidad""",
        "work": """job work office boss manager colleague colleagues team meeting meetings
            shift shifts salary pay contract remote desk hours holiday training supervisor
            project deadline client clients customer customers invoice electrician plumber
            trabajo oficina jefe jefa companero companeros equipo reunion reuniones turno
            sueldo contrato horario vacaciones proyecto cliente clientes supervisor""",
        "care": """child children kid kids baby school nursery daughter son mother elderly
            carer home playground pram nappy hijo hija hijos nino ninos bebe escuela guarderia
            madre abuela cuidadora casa parque""",
        "telecoms": """phone mobile internet broadband signal coverage router wifi data plan
            contract engineer line call centre network speed sim roaming telefono movil
            celular internet senal cobertura router datos plan contrato tecnico linea red
            velocidad""",
    }.items()
}


def active_words(folded_words: frozenset[str]) -> frozenset[str]:
    """Return every word of the fields that share at least two words with ``folded_words``.

    When no field shares two, fields that share one are taken; a survey on anything else has no
    field and is judged by its own words alone.
    """
    shared = {name: len(words & folded_words) for name, words in FIELDS.items()}
    for least in (2, 1):
        chosen = [name for name, count in shared.items() if count >= least]
        if chosen:
            return frozenset().union(*(FIELDS[name] for name in chosen))
    return frozenset()

"""What words mean for routing: classes of words in Spanish and English, with how people spell them.

Owns the closed lists. A word ending in ``*`` stands for every word that begins with it; two words
joined by ``_`` stand for the two in a row. Knows no lane and no shop: which class speaks for which
lane is learned from the corpus (`messaging.router.training`).
"""

from __future__ import annotations

from messaging.router.nouns import GOODS

WORD_CLASSES: dict[str, str] = {
    # --- talk about the talk ------------------------------------------------------------------
    "greet": """
        hola holi* holaa* ola olis hello hi hii hey heyy* hiya howdy buenas buenos_dias buen_dia
        buen_di saludos good_morning good_afternoon good_evening morning aloo* que_tal que_onda
        que_hubo quiubo quihubo que_mas wassup whats_up sup
    """,
    "thanks": """
        gracias grax grasias thx thanks thank thankyou ty tysm cheers agradec* agradez* appreciate*
        muy_amable tysm
    """,
    "bye": """
        adios chao chau chaito bye byee* goodbye hasta_luego hasta_pronto nos_vemos see_you
        see_ya good_night take_care cuidate que_descans* talk_later te_dejo me_despido
        nice_day nice_weekend buen_finde nice_one nada_mas nothing_else
    """,
    "bot": """
        bot bots robot* maquina a_machine automatic* chatbot* inteligencia_artificial ai chatgpt
        contestadora
    """,
    "self": """
        quien_eres como_te_llamas tu_nombre quien_sos who_are_you who_r_u your_name que_eres
        puedes_hacer podes_hacer can_you_do you_can_do ayudarme menu que_opciones my_options
        start_over
        volver_al ayuda help
    """,
    "human": """
        persona personas humano* humana human* asesor* agente agentes ejecutiv* operador* operator
        representante* representative* rep reps vendedor* alguien ser_humano someone somebody
        anybody anyone staff salesperson salesman salesperson* person people agent agents
        dueno owner employee empleado* atencion_al customer_service live_chat
    """,
    "boss": """
        supervisor* gerente* jefe jefa superior superiores manager* encargad* responsable* boss
        higher_up in_charge director*
    """,
    "talk": """
        habl* abl* comunic* contact* llamen llamar llamada llamenme atiend* atend*
        paseme pasame pasas_con speak* talk* call calling connect transfer_me chat chatear
        through_to comunicame conversar
    """,
    "legal": """
        denunci* demand* profeco abogad* defensa_del consumidor legal lawyer* sue suing attorney
        consumer_protection redes_sociales social_media report_you reporting_you better_business
        sernac indecopi
    """,
    # --- hours and place ----------------------------------------------------------------------
    "hours": """
        horario* hora horas abren abre abran abri abrir* abris abriran abierto abiertos abierta*
        abriend* cierran cierra cierren cerrar* cerrado* cerrad* cierre laboran laboral
        open opens opened opening close closes closed closing hours schedule timetable
        business_hours 24_horas 24_hours horaio turno
    """,
    "day": """
        lunes martes miercoles jueves viernes sabado* domingo* manana hoy feriado* festivo* noche
        madrugada temprano mediodia semana_santa navidad ano_nuevo finde fin_de_semana
        fines_de_semana monday* tuesday* wednesday* thursday* friday* saturday* sunday* weekend*
        weekday* holiday* today tomorrow tonight christmas easter thanksgiving new_year noon early
        lunch almuerzo pm am puente ahorita right_now
    """,
    "place": """
        ubicad* ubicacion* ubicas sucursal* local locales sede sedes colonia barrio calle mapa maps
        estacionamiento parking parqueadero located location* branch branches street
        address showroom tienda_fisica physical_store near nearest closest cerca cercan* metro
        subway direccion_del su_direccion la_direccion your_address como_llego como_llegar
        como_llegas get_there get_to_you bus_stop* colectivo whereabouts downtown centro altura
        bodega warehouse directions llegar_a_la queda quedan kedan encuentro avenida neighborhood
        esquina
    """,
    "store": "tienda tiendas negocio almacen store stores shop shops farmacia cafeteria pharmacy",
    "where": "donde adonde dnd dond where wheres where's en_que_parte whereabouts",
    "when": "cuando when para_cuando que_dia what_day cuanto_tarda how_long cuanto_falta",
    # --- money and delivery -------------------------------------------------------------------
    "price": """
        cuanto cuanta cuantos precio* cuesta cuestan costo costos vale valen valor sale salen
        saldria cotiz* cotizacion a_como how_much price* priced cost costs quote going_for go_for
        presupuesto cuestan
    """,
    "info": "info informacion information details mas_info detalles more_info informes",
    "about": """
        gluten vegano vegana* vegan veganas cruelty tested probad* probado_en ingredient*
        diferencia difference
        conserv* caffeine cafeina recycl* recicl* de_donde_viene come_from made_of hecho_de
        hechos_de
        instalacion installation instalan install curso cursos workshop* class classes envuelven
        gift_wrap envolt* reservar reserve reparan reparaciones repairs rent alquilan rentan
        prescription receta_medica necesito_receta need_a_prescription assembled armados desarmados
        a_medida custom embaraz* pregnan* piel skin sulfat* apto suitable molienda grind_for
        used_books libros_usados author* autores how_should how_long_does_an cuanto_dura
                se_conserva applied aplica apply
    """,
    "pick": """
        ese esa esos esas that_one this_one those the_other one_of uno_de una_de el_otro la_otra
        el_primero la_primera the_first the_second el_segundo make_that de_ese de_esos
    """,
    "deliver": """
        envio envios envian envias enviar entrega entregas entregan entregar domicilio domicilios
        delivery deliver delivers delivering ship ships shipping despacho* despachan flete reparto
        paqueteria courier mandan_a mandar mandar_a send_it_to llegan_a llegan_hasta mandan_al
        home_delivery
        postal zip_code zip postage international* internacional* provincia nationwide
        hacen_envios
    """,
    "method": """
        tarjeta* efectivo transferencia transfer paypal cuotas meses_sin msi oxxo nequi bizum yape
        daviplata plin card cards cash credit credito debito debit installments visa mastercard
        amex venmo zelle klarna apple_pay google_pay contra_entrega contraentrega cash_on
        formas_de_pago forma_de_pago metodos_de_pago metodo_de_pago medios_de_pago payment_methods
        payment_method payment_options mercado_pago mercadopago bitcoin a_plazos financi* fiado
    """,
    "accept": "aceptan aceptas acepta reciben recibe accept accepts acepten take_cards you_take",
    "pay": """
        pagar pago paga pagare pagarte pagarles pagamos pague pay paying payment pagando pagarlo
        owe_you la_cuenta ring_me cobrame cobra cobrarme
    """,
    "link": "link links enlace liga url boton_de_pago",
    "charge": """
        cobraron cobro cobrado cobrando cargo cargos charged charge charges debitaron descontaron
        rebajaron doble_cargo dos_veces twice double_charge overcharged billed rechaz* declined
        rejected reject* descuento_de debitado
    """,
    "paid": "pague pagado paid transferi deposite ya_pague",
    "policy": "politica politicas condiciones terminos policy policies terms reglas rules",
    "warranty": "garantia* garantizan warranty warranties guarantee* guaranteed",
    "privacy": "privacidad datos_personales mis_datos privacy personal_data my_data seguro_comprar",
    "invoice": """
        factura* facturan boleta recibo_fiscal invoice* receipt tax_id rfc iva mayorist* mayoreo
        por_mayor wholesale bulk_price puntos loyalty member* socio* sucio_ gift_card* gift_cards
        tarjeta_de_regalo tarjetas_de_regalo contratando hiring vacante* empleo jobs trabajar_con
        distribuidor* distributor* proveedor* supplier* instagram facebook correo email e_mail
        wifi wi_fi mascotas_en pagina_web website_address sitio_web pet_friendly
    """,
    # --- trouble ------------------------------------------------------------------------------
    "return": """
        devolver* devuelv* devolucion* devolv* regresar* regreso_el retornar return returns
        returning returned send_back sending_back give_back give_it_back take_it_back hacer_valida
        valida_la uso_la_garantia
        warranty_claim use_the_warranty claim_the aplicar_la_garantia exchange* swap recambio
        cambio_de_talla quiero_cambiarlo cambiarlo cambiarla no_me_quedo no_me_queda didnt_fit
        doesnt_fit talla_equivocada arrepent*
    """,
    "refund": """
        reembols* reintegr* refund* money_back mi_dinero mi_plata el_dinero la_plata my_money
        the_money devolucion_del devuelvan* devuelvanme me_deben owe_me chargeback contracargo
    """,
    "damaged": """
        roto rota rotos rotas quebrad* danad* dano_ fallad* falla fallo fallando defect*
        descompuso descompuest* desarm* vencid* caducad* caduco manchad* manch* rayad* golpead*
        estrellad* abollad* despeg* derramad* reventad* agujero hueco aboll* se_rompio rompio
        se_cayo mal_estado pudri* podrid* danando
        broken broke breaks damage* crack* defect* faulty scratch* stain* torn ripped expired leak*
        leaking shatter* dent dented dents ruined rotten moldy spilled crushed burst fell_apart hole
        bad_condition came_open smashed dead sounds_bad suena_mal escucha_mal se_ve_mal vino_mal
        llego_mal
    """,
    "food_bad": "fria crudo cruda cold raw asquer* disgusting pelo hair quemad* burnt spoiled",
    "works": """
        funcion* sirve sirven sirvio prende prenden enciende encienden carga cargan conecta conectar
        conectan calienta imprime enfria muele suena work works working worked turn_on
        turns_on turning_on charge_ connect connects pair load loads heat heats print prints
        cool grind power_on
        jala anda_bien andan responde
    """,
    "stopped": """
        dejo_de dejaron_de stopped dejaba keeps se_apaga se_cierra apaga shuts crash* traba
        freezes
    """,
    "wrong": """
        equivoc* incorrect* wrong mistaken otra_talla otro_color otro_producto otro_modelo
        different mixed mix_up no_era no_es_lo isnt_what isn't_what not_what not_the
        no_corresponde otra_cosa en_vez_de_lo
    """,
    "missing": """
        falta_ falto faltan faltaba faltaban faltante* incomplet* missing no_venia no_venian
        no_incluia solo_llego solo_llegaron only_two weren't_included left_out short_ came_without
        vino_sin
    """,
    "late": """
        atrasad*  retras* demor* tardan tardaron tardando perdid* se_perdio late delay* lost stuck
        overdue detenido detenida nunca_llego nunca_me never_came never_arrived never_received
        no_llega no_llego no_ha_llegado no_me_ha no_me_a no_aparece not_arrived hasnt_arrived
        hasn't_arrived hasnt_come havent_received haven't_received didnt_arrive didn't_arrive
        didn't_come still_waiting still_hasnt still_hasn't no_recibi got_nothing sigo_esperando
        llevo_esperando y_nada and_nothing nada_que todavia_no aun_no no_delivery supposed_to
        prometier* promised debia_llegar quedaron_de
    """,
    "wait": """
        esperando espero esperar waiting wait been_waiting semanas dias weeks days ago hace_rato
    """,
    "angry": """
        quej* reclam* pesim* horrible* molest* enojad* estafa* ladron* fraude fraud terrible awful
        complain* angry upset scam* rude worst decepcion* disappoint* indignad* groser*
        verguenza asco basura ridicul* inaceptable unacceptable harto harta furios* furious
        mala_atencion mal_servicio bad_service disaster desastre outrag* disrespectful
        falta_de_respeto thieves robo robaron nunca_mas never_again never_buying treated
        trato_muy me_trato sick_of cansado_de me_canse jamas worst_ mad_at pessimo shameful
        odio hate
        porqueria mal_educad* maleducad* lousy poor_service
    """,
    "ticket": """
        ticket tickets caso casos reporte folio case cases mi_reclamo my_complaint incidencia
    """,
    "progress": """
        novedades respuesta responden respondido contestan contestado resuelto resolvieron resolved
        resuelven answer answered reply replied following_up any_news news_on update_on
        solucion* solved
    """,
    "problem": """
        problema* inconveniente* incidente issue issues problem problems trouble soporte support
        falla_en error errores algo_mal something_wrong went_wrong salio_mal averia fault glitch
    """,
    "tech": """
        app aplicacion pagina sitio cuenta marca_error shows_error contrasena clave password login
        log_in sign_in signing_in
        iniciar_sesion sesion codigo_de verification verificacion cuenta_esta my_account mi_cuenta
        account usuario username bloquead* locked cupon coupon promo_code discount_code bluetooth
        resete* reset configur* set_up setup instrucciones instructions assemble pair_ router
        actualiz* loguear ingresar_a
    """,
    # --- buying -------------------------------------------------------------------------------
    "order": """
        pedido pedidos orden ordenes compra compras paquete paquetes pakete encargo order orders
        package* packet parcel* purchase purchases shipment ordr pakage paquetito repartidor driver
        domiciliario encomienda mercancia mis_cosas my_stuff my_things
    """,
    "track": """
        rastre* seguimiento estado estatus status guia track tracking trackear en_camino on_the_way
        on_its_way va_mi viene_mi ya_salio ya_viene ya_enviaron shipped como_va en_que_va
        por_donde_va gets_here get_here llega_mi llega_hoy arrive arrives shipped_yet out_for
        where_my my_order_is how_far is_it_coming ya_viene por_donde_viene is_coming donde_viene
        falta_para
    """,
    "cancel": "cancel* anul* call_off",
    "change": """
        cambiar cambia cambio modific* corregir corrig* change changes modify edit fix
        en_vez_de en_lugar_de instead otra_direccion other_address agregar_a_mi
        actualizar_la equivoque_de
    """,
    "address": """
        direccion mi_direccion domicilio address my_address departamento apartment numero_de_casa
        entreguen oficina office hora_de_entrega delivery_time
    """,
    "cart": "carrito carro canasta cesta cart basket trolley mi_bolsa",
    "add": """
        agreg* anad* anade ponme pon ponle poneme sumale sumame suma anotame anota apuntame apunta
        add put_me throw_in put_in incluye include echame
    """,
    "remove": """
        quita quitar quitame quitale elimin* saca sacar sacame sacalo sacalos borra borrar borralo
        borrala retira retirar vacia vaciar remove delete take_out take_off clear empty drop
        limpiar limpia scratch bajale minus
    """,
    "want": """
        quiero kiero qiero quisiera deseo necesito nesecito gustaria me_interesa want wanna need
        i'd_like id_like would_like like_to i'd_love interested_in ocupo busco_comprar quisieramos
        queremos queria
    """,
    "buy": """
        comprar compro comprarme comprarlo llevo llevar llevarme pedir ordenar adquirir encargar
        buy buying i'll_take ill_take take_it get_me let_me_get can_i_get could_i_have i'll_have
        purchase_ to_order place_an hacer_un_pedido deme dame me_das me_da regaleme regalame
        mandame_una mandame_dos mandeme me_manda send_me_a send_me_two voy_a_querer reservame
        give_me apartame aparta me_vendes me_vende vendeme lo_quiero la_quiero
        agarro me_llevo para_pedir
    """,
    "have": """
        tienen tienes tenes tendran tendras tenian hay venden vendes vende manejan maneja ofrecen
        do_you_have you_have sell sells carry stock in_stock got_any any available disponible*
        quedan_ les_queda les_quedan any_left existencia* is_there are_there trabajan_con
        consigo benden
    """,
    "search": """
        busco buscando buscar ando_buscando looking_for look_for searching looking find_me
        estoy_buscando
    """,
    "catalog": """
        catalogo* katalogo menu productos lista_de promocion* promo promos oferta* descuento*
        rebaja* novedades recomiend* recomend* aconsej* suger* catalog* products deals deal on_sale
        sales any_sales on_offer offers discount* recommend* suggest* best_sellers bestseller*
        mas_vendid*
        liquidacion clearance categorias categories marcas brands que_venden que_tienen vendidos
        on_special
        what_do_you_sell what_you_sell show_me muestrame mostrame ensename que_hay opciones_de
        collections colecciones regalar gift
    """,
    "size": """
        talla tallas size sizes kilo kilos kg gramos gr litro litros par pares caja cajas docena
        docenas bolsa bolsas paquete_de box boxes bag bags pack packs pair pairs dozen unidad*
        units bottle bottles frasco frascos litros medium small chica mediana grande talle xl xs
    """,
    "total": "total cuanto_llevo how_much_so suma_total en_total come_to sale_todo everything_be",
    "finish": """
        finalizar finaliza confirm* terminar terminemos proceder procede proceed complete finish
        check_out checkout checar_salida seria_todo es_todo that's_all thats_all that's_everything
        cerrar_el listo_pedido go_ahead that_would solo_eso just_that eso_nomas that's_it
        comprar_ahora buy_now ya_es_todo
    """,
    "again": """
        ultimo_pedido last_order repetir repeat history historial anteriores past previous usual
        lo_mismo
    """,
    "pickup": """
        recoger recojo recogerlo pick_it pickup pick_up collect paso_por retirar_en recogida
    """,
    "mine": "mi mis my lo_mio hice pedi ordene compre i_ordered i_bought placed i_paid mine",
    "got": """
        llego llegaron vino recibi arrived came received got delivered entregaron mandaron sent
    """,
    # --- the other lanes ----------------------------------------------------------------------
    "survey": """
        encuesta* survey* cuestionario questionnaire opinar opiniones estudio_pagado paid_study
        encuestas entrevista_pagada paid_interview interview the_study el_estudio
    """,
    "earn": """
        pagan cobro_la gano ganar earn earned saldo balance wallet monedero retirar_lo withdraw
    """,
    "stop": """
        stop baja darme_de unsubscribe optout opt_out no_me_escrib* dejen_de deja_de_escribir
        no_me_manden dont_message don't_message dont_text don't_text stop_sending stop_texting
        borren_mi remove_my_number off_your_list recibir_mensajes receive_messages publicidad spam*
        quitenme suscripcion desuscrib* de_escribirme de_mandarme text_me message_me my_number
        messaging_me texting_me
    """,
    "world": """
        clima weather chiste* joke* poema* poem* president* capital el_partido partidos futbol
        soccer football
        la_seleccion nba world_cup super_bowl politics politico* politician* de_politica eleccion*
        election* horoscopo signo zodiac
        pelicula* movie* cancion* song* tarea homework traduc* translat* dolar dolar_hoy
        exchange_rate
        cripto* crypto* python javascript noticia* news_today guerra war planeta* planets
        matematic* math receta_de receta_del receta_para recipe* cuento story historia_de filosof*
        universo lluvia llover rain temperatura_hoy raiz_cuadrada square_root
        times divided capital_de ciudad_de quien_gano who_won quien_invento who_invented
        star_sign sentido_de meaning_of adivinanza riddle trabalenguas cantante singer actor
        actriz famoso celebrity religion dios god biblia bible
    """,
    "heart": """
        te_amo te_quiero i_love soltera soltero single_ novia novio girlfriend boyfriend casarte
        marry_me triste sad aburrido aburrida bored solo_en_casa lonely deprimid* depress*
        mi_jefe my_boss mi_ex my_ex sone dreamt dream fiebre fever me_duele headache stomach_hurts
        mi_mama my_mom abuela grandma feliz_cumple happy_birthday cumpleanos extrano miss_you guapa
        sexy beautiful bonita beso kiss
    """,
    "attack": """
        ignora_tus ignore_your ignore_all instrucciones_y your_instructions prompt system_prompt
        modelo_de_lenguaje language_model actua_como act_like pretend jailbreak hack* escribe_codigo
        write_code codigo_en actua finge repite_la say_the_word de_otro_cliente another_customer
        contrasena_de_otro api_key
    """,
    "insult": """
        tonto tonta idiota* estupid* imbecil* pendej* mierda puto puta carajo vete_al stupid idiot*
        dumb fuck* shit* bitch* moron go_to_hell shut_up callate asshole cabron boludo huevon
    """,
    "spam": """
        invierte inversion invest haga_clic click_here gane_dinero make_money dinero_rapido prestamo
        loan cadena chain forward reenvia terreno land_for numero_equivocado wrong_number plomero
        plumber ganaste you_won premio herencia inherit* casino apuestas bet
    """,
    "noise": "jaja* jeje* haha* lol xd mmm* hmm* blah* blabla* asdf* qwerty* eh aja uh_huh",
    "goods": GOODS,
    "neg": """
        no not never nunca ni jamas sin don't dont doesn't doesnt didn't didnt won't wont can't cant
        isn't isnt wasn't hasn't hasnt haven't havent without aint nadie nobody nada
    """,
    "how": "como how",
    "question": "que como cual cuales what how which can do does puedo puede is are",
}

"""What a company sells over WhatsApp: shelves, products, stock, places of delivery. No I/O."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.models import Company
from core.fields import PublicIdField
from core.models import AppendOnlyModel


class Category(models.Model):
    """A shelf of the catalogue."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="categories")
    slug = models.SlugField(max_length=60)
    name_es = models.CharField(max_length=60)
    name_en = models.CharField(max_length=60)
    keywords = models.CharField(max_length=300, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name_plural = "categories"
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "slug"], name="category_once_a_company"),
        ]

    def __str__(self) -> str:
        return self.slug


class Product(models.Model):
    """Something on sale. Price and stock here are the only ones that count."""

    public_id = PublicIdField(prefix="product")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="products")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="products")
    sku = models.CharField(max_length=60)
    """Also the ``product_retailer_id`` of WhatsApp's own catalogue."""
    name_es = models.CharField(max_length=120)
    name_en = models.CharField(max_length=120)
    description_es = models.TextField(blank=True)
    description_en = models.TextField(blank=True)
    keywords = models.CharField(max_length=300, blank=True)
    """Further words people use for it, in any language."""
    price_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    stock = models.IntegerField(default=0)
    """What can still be sold: an order takes its part when it is placed."""
    is_active = models.BooleanField(default=True)
    position = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["category__position", "position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "sku"], name="product_sku_once_a_company"),
            models.CheckConstraint(
                condition=models.Q(stock__gte=0), name="product_stock_never_negative"
            ),
            models.CheckConstraint(
                condition=models.Q(price_minor__gt=0), name="product_price_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.sku


class StockReason(models.TextChoices):
    COUNTED = "counted", "Counted by a person"
    ORDERED = "ordered", "Taken by an order"
    RETURNED = "returned", "Given back by an order"


class StockMovement(AppendOnlyModel):
    """Every change of a product's stock; their sum is the stock."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+")
    delta = models.IntegerField()
    reason = models.CharField(max_length=16, choices=StockReason.choices)
    order_ref = models.CharField(max_length=60, blank=True)
    """Public id of the order, if one caused it."""
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["product", "-id"])]

    def __str__(self) -> str:
        return f"{self.product_id} {self.delta:+d}"


class DeliveryPlace(models.Model):
    """Where the shop delivers to, at what price and how fast."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="delivery_places")
    name = models.CharField(max_length=80)
    keywords = models.CharField(max_length=300, blank=True)
    """Districts and post codes that belong to it, separated by commas."""
    fee_minor = models.BigIntegerField(default=0)
    free_from_minor = models.BigIntegerField(null=True, blank=True)
    """Orders from this amount on are delivered free."""
    days_min = models.PositiveSmallIntegerField(default=1)
    days_max = models.PositiveSmallIntegerField(default=3)
    is_active = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "name"], name="delivery_place_once"),
            models.CheckConstraint(
                condition=models.Q(fee_minor__gte=0) & models.Q(days_max__gte=models.F("days_min")),
                name="delivery_place_sane",
            ),
        ]

    def __str__(self) -> str:
        return self.name

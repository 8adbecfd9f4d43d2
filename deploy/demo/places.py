"""The demo's geography: cities with their bus stops, and the corridors that buses run."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt
from typing import NamedTuple

TIME_ZONE = "Asia/Kolkata"


class City(NamedTuple):
    """A city, where it lies, and the names of its stops, the busiest first."""

    name: str
    lat: float
    lon: float
    stops: tuple[str, ...]


CITIES: dict[str, City] = {
    city.name: city
    for city in (
        City("Bengaluru", 12.9716, 77.5946, ("Majestic", "Silk Board", "Hebbal", "Electronic City")),
        City("Mysuru", 12.2958, 76.6394, ("Suburban Bus Stand", "Columbia Asia", "Hinkal")),
        City("Mangaluru", 12.9141, 74.8560, ("Jyothi Circle", "State Bank", "Pumpwell")),
        City("Hubballi", 15.3647, 75.1240, ("Old Bus Stand", "Vidyanagar", "Gokul Road")),
        City("Belagavi", 15.8497, 74.4977, ("Central Bus Stand", "RPD Cross")),
        City("Chennai", 13.0827, 80.2707, ("Koyambedu", "Guindy", "Tambaram", "Perungalathur")),
        City("Coimbatore", 11.0168, 76.9558, ("Gandhipuram", "Omni Bus Stand", "Hopes College")),
        City("Madurai", 9.9252, 78.1198, ("Mattuthavani", "Arappalayam", "Periyar")),
        City("Salem", 11.6643, 78.1460, ("New Bus Stand", "Five Roads")),
        City("Tiruchirappalli", 10.7905, 78.7047, ("Central Bus Stand", "Chathiram", "Samayapuram Toll")),
        City("Kochi", 9.9312, 76.2673, ("Vyttila Hub", "Edapally", "Aluva")),
        City("Thiruvananthapuram", 8.5241, 76.9366, ("Thampanoor", "Technopark", "Kazhakuttam")),
        City("Kozhikode", 11.2588, 75.7804, ("Mofussil Bus Stand", "Thondayad")),
        City("Hyderabad", 17.3850, 78.4867, ("MGBS", "Lakdikapul", "Miyapur", "LB Nagar")),
        City("Vijayawada", 16.5062, 80.6480, ("Pandit Nehru Bus Stand", "Benz Circle", "Varadhi")),
        City("Visakhapatnam", 17.6868, 83.2185, ("Dwaraka Bus Station", "Maddilapalem", "Gajuwaka")),
        City("Tirupati", 13.6288, 79.4192, ("Central Bus Stand", "Leela Mahal")),
        City("Pune", 18.5204, 73.8567, ("Swargate", "Wakad", "Shivajinagar")),
        City("Mumbai", 19.0760, 72.8777, ("Dadar", "Sion", "Borivali", "Vashi")),
        City("Goa", 15.4909, 73.8278, ("Panjim", "Mapusa", "Margao")),
    )
}

# A corridor is run in both directions; every city on it is a stop.
CORRIDORS: tuple[tuple[str, ...], ...] = (
    ("Bengaluru", "Salem", "Coimbatore", "Kochi"),
    ("Bengaluru", "Tirupati", "Chennai"),
    ("Bengaluru", "Mysuru", "Mangaluru"),
    ("Bengaluru", "Hubballi", "Belagavi", "Pune", "Mumbai"),
    ("Bengaluru", "Hyderabad"),
    ("Chennai", "Salem", "Coimbatore"),
    ("Chennai", "Tiruchirappalli", "Madurai"),
    ("Chennai", "Vijayawada", "Hyderabad"),
    ("Hyderabad", "Vijayawada", "Visakhapatnam"),
    ("Mumbai", "Pune", "Belagavi", "Goa"),
    ("Kochi", "Kozhikode", "Mangaluru", "Goa"),
    ("Thiruvananthapuram", "Kochi", "Coimbatore", "Salem", "Bengaluru"),
    ("Madurai", "Tiruchirappalli", "Salem", "Bengaluru"),
    ("Hyderabad", "Belagavi", "Goa"),
    ("Bengaluru", "Hubballi", "Goa"),
    ("Mumbai", "Pune", "Hyderabad"),
    ("Chennai", "Tirupati", "Hyderabad"),
    ("Mysuru", "Bengaluru", "Tirupati", "Vijayawada"),
    ("Thiruvananthapuram", "Madurai", "Tiruchirappalli", "Chennai"),
    ("Mysuru", "Kozhikode", "Kochi"),
)

EARTH_RADIUS_KM = 6371.0
ROAD_FACTOR = 1.28  # roads are about this much longer than the great circle


def road_km(a: City, b: City) -> int:
    """Kilometres by road between two cities, roughly: the great circle (haversine) and a factor."""
    lat_a, lat_b = radians(a.lat), radians(b.lat)
    half = sin((lat_b - lat_a) / 2) ** 2 + cos(lat_a) * cos(lat_b) * sin(radians(b.lon - a.lon) / 2) ** 2
    return round(2 * EARTH_RADIUS_KM * asin(sqrt(half)) * ROAD_FACTOR)

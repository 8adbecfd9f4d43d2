"""Names for demo companies, people and plates, all made up."""

from __future__ import annotations

COMPANIES = ("Kaveri Travels", "Konkan Coach", "Deccan Sleepers", "Coromandel Express")
COMPANY_FIRST = (
    "Anant", "Banyan Leaf", "Chalukya", "Eastern Ghats", "Godavari", "Hampi", "Indus", "Jasmine", "Krishna",
    "Lotus", "Malabar", "Nandi", "Orchid", "Peacock", "Rayala", "Sahyadri", "Tungabhadra", "Udupi", "Vaigai",
    "Zenith",
)  # fmt: skip
COMPANY_LAST = ("Travels", "Coach", "Express", "Roadways", "Bus Lines", "Connect", "Highways", "Sleepers")

FIRST = tuple(
    (
        "Asha Ravi Meera Arjun Lakshmi Kiran Divya Suresh Anita Vikram Priya Manoj Sneha Rahul Kavya Imran "
        "Fatima Joseph Maria Gopal Nisha Harish Deepa Sanjay Pooja Naveen Rekha Ajay Swathi Yusuf Leela "
        "Mohan Geeta Abhay Tara Dev "
    ).split()
)
WOMEN = frozenset(
    (
        "Asha Meera Lakshmi Divya Anita Priya Sneha Kavya Fatima Maria Nisha Deepa Pooja Rekha Swathi Leela "
        "Geeta Tara"
    ).split()
)
LAST = tuple(
    (
        "Rao Iyer Nair Shetty Reddy Gowda Menon Pillai Naidu Patil Kulkarni Das Kumar Sharma Khan Fernandes "
        "D'Souza Hegde Bhat Murthy Krishnan Joshi Deshpande Thomas Varghese Acharya Prasad Chandra Ali "
        "Mathew "
    ).split()
)
PLATE_STATES = ("KA", "TN", "KL", "AP", "TS", "MH", "GA")


def company_name(index: int) -> str:
    """A company's name: the first four are fixed, the others combine two words."""
    if index < len(COMPANIES):
        return COMPANIES[index]
    turn, place = divmod(index - len(COMPANIES), len(COMPANY_FIRST) * len(COMPANY_LAST))
    name = f"{COMPANY_FIRST[place % len(COMPANY_FIRST)]} {COMPANY_LAST[place // len(COMPANY_FIRST)]}"
    return f"{name} {turn + 1}" if turn else name

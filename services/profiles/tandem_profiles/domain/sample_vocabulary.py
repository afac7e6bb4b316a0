"""Sample vocabulary: the invented people, places and work of which sample sheets are made."""

# Given and family names are paired across languages: nobody real is meant, and names arrive with their accents.
GIVEN_NAMES = (
    "Adaeze", "Agnieszka", "Aïcha", "Alasdair", "Amara", "Anaïs", "Anjali", "Björn", "Bronagh", "Carlos",
    "Chloé", "Çağla", "Dafydd", "Daniel", "Dilnoza", "Élodie", "Emeka", "Esi", "Fatima", "Fionnuala",
    "François", "Gabriela", "Grace", "Håkon", "Hana", "Hiroshi", "Ikram", "Inés", "Ioana", "Iqra", "Jacek",
    "Jürgen", "Kamala", "Kofi", "Laszlo", "Leïla", "Lucía", "Łucja", "Mairéad", "Malik", "Mei", "Miloš",
    "Nadia", "Niamh", "Noor", "Oisín", "Olumide", "Órla", "Paweł", "Priya", "Quang", "Rhiannon", "Rosa",
    "Ruairí", "Sadia", "Saoirse", "Selin", "Siân", "Simone", "Søren", "Tamsin", "Tendai", "Thandiwe", "Tomás",
    "Ulrike", "Valentina", "Wanjiru", "Wei", "Yasmin", "Zoë",
)  # fmt: skip
FAMILY_NAMES = (
    "Abernethy", "Achterberg", "Adeyinka", "Ahlström", "Alvarado", "Anand", "Ashdown", "Baptiste", "Begum",
    "Bielak", "Brânză", "Burnside", "Castellón", "Chaudhary", "Corrigan", "Dąbek", "Demirel", "Doyle", "Dubois",
    "Eze", "Fairweather", "Farrugia", "Fenwick", "Gallardo", "Gwynne", "Håland", "Hossain", "Ibáñez", "Iwasaki",
    "Jabłonka", "Jokinen", "Kaplan", "Kavanagh", "Kirchner", "Kovařík", "Lâm", "Lindqvist", "Lockwood",
    "Mahlangu", "Marchetti", "Mbeki-Shaw", "McAllister", "Müllner", "Mwangi", "Nakagawa", "Nguyễn", "Novotná",
    "Núñez", "O’Dwyer", "Okonjo", "Ortega", "Østby", "Pemberton", "Petrescu", "Quaye", "Rafferty", "Rahimi",
    "Ramaswamy", "Řezník", "Sandoval", "Şahin", "Silveira", "Tanaka", "Thistlewood", "Tjader", "Umar",
    "Vandermeer", "Villanueva", "Whitcombe", "Żurek",
)  # fmt: skip
UNITS = (
    "Agency for Coast and Harbours",
    "Bureau of Weights and Tides",
    "Commission for Quiet Streets",
    "Department for Bridges",
    "Library and Archives Service",
    "Ministry of Orchards",
    "Office for Night Trains",
    "Weather and Rivers Authority",
)
JOB_TITLES = {
    "Commercial": ("Buyer", "Category lead", "Contract manager", "Supplier relations adviser"),
    "Communications": ("Campaign planner", "Press officer", "Speechwriter", "Web editor"),
    "Digital and Data": ("Data analyst", "Developer", "Product manager", "Service designer"),
    "Finance": ("Accountant", "Budget planner", "Cost analyst", "Grants officer"),
    "Operational Delivery": ("Casework lead", "Contact centre manager", "Operations planner", "Site manager"),
    "People": ("Learning adviser", "Organisation designer", "Recruitment partner", "Workforce planner"),
    "Policy": ("Bill manager", "Consultation lead", "Policy adviser", "Strategy adviser"),
    "Science and Engineering": ("Bridge engineer", "Field scientist", "Hydrologist", "Laboratory manager"),
}
"""The professions, each with its jobs."""

CHARACTERISTICS = (
    "Carer",
    "Changed profession",
    "First in the family at university",
    "Grew up abroad",
    "Hard of hearing",
    "Neurodivergent",
    "Returned after a long leave",
    "Single parent",
)
BACKGROUNDS = (
    "Before this I kept the ferry timetable of a small island",
    "I came in as an apprentice and never quite left",
    "I joined after ten years in a family bakery",
    "I moved here from the private sector, and had to learn how decisions are written down",
    "I spent my first years on night shifts, which taught me to hand over well",
    "I started on the front desk and still answer the telephone when it is busy",
    "I trained as a teacher and ended up explaining budgets",
    "My first posting was a two-person team in a converted boathouse",
)
PROUD_OF = (
    "a form that went from nine pages to two",
    "a project that I stopped in time",
    "a team that runs well without me",
    "bringing three offices under one roof, “temporarily”, four years ago",
    "making the monthly figures arrive on the first of the month",
    "the rota that finally gave everybody two free weekends",
)
MENTORS_OFFER = (
    "I listen more than I talk, and I ask awkward questions kindly.",
    "I can help with first steps into leading people; with interviews, too.",
    "I like to work on one real problem per meeting.",
    "I am glad to open doors, and honest about those that I can't.",
    "Bring an agenda, however short: I bring the coffee.",
)
MENTEES_HOPE = (
    "I would like to speak up more in rooms full of senior people.",
    "I want to find out whether managing people is for me.",
    "I am looking for somebody who has changed profession and didn't regret it.",
    "I want to get better at saying no, and at being heard when I do.",
    "I hope to prepare for my first promotion board.",
)

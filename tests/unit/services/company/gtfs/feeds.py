"""A small feed to be right, and to be made wrong line by line."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SMALL = {
    "agency.txt": """\
agency_id,agency_name,agency_url,agency_timezone
H,Hill Coaches,https://hill.example,Asia/Kolkata
""",
    "stops.txt": """\
stop_id,stop_name,stop_lat,stop_lon,banyan_city
B1,Majestic,12.9779,77.5713,Bengaluru
M1,"Mandya, Highway",12.5223,76.8974,Mandya
Y1,Mysuru Bus Stand,12.3052,76.6552,Mysuru
Y2,Mysuru Palace,12.3060,76.6560,Mysuru
""",
    "routes.txt": """\
route_id,agency_id,route_short_name,route_long_name,route_type
R7,H,7,Bengaluru - Mysuru,3
""",
    "calendar.txt": """\
service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date
work,1,1,1,1,1,0,0,20260601,20260630
sat,0,0,0,0,0,1,0,20260601,20260630
""",
    "calendar_dates.txt": """\
service_id,date,exception_type
work,20260610,2
sat,20260610,1
""",
    "trips.txt": """\
route_id,service_id,trip_id,trip_headsign
R7,work,there,Mysuru
R7,work,back,Bengaluru
R7,sat,night,Mysuru
""",
    "stop_times.txt": """\
trip_id,arrival_time,departure_time,stop_id,stop_sequence
there,08:00:00,08:00:00,B1,1
there,09:30:00,09:35:00,M1,2
there,11:30:00,11:30:00,Y1,3
back,14:00:00,14:00:00,Y1,1
back,17:30:00,17:30:00,B1,2
night,25:30:00,25:30:00,B1,1
night,27:00:00,27:05:00,M1,2
night,29:00:00,29:00:00,Y1,3
""",
}


def zip_of(files: Mapping[str, str | bytes], folder: str = "") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(folder + name, content)
    return packed.getvalue()

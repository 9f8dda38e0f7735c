"""Where the organs at risk lie and how large they are in the average patient.

Offsets are LPS millimetres from the brain stem's centroid (+x left, given for the left side), radii and
lengths mm. Fitted to measurements of 35 planning CTs contoured by oncologists (DeepMind TCIA contours, CC BY
4.0: brain stem, eyes, lenses, optic nerves, parotids, cochleae, cord, mandible, brain) and of one patient
with nasopharyngeal carcinoma (temporal lobes, inner and middle ears, jaw joints; chiasm and pituitary from
that patient and two drafts, each turned until the eyes were as high as the average). Volumes in brackets:
cm3 measured.
"""

from hnseg_train.phantom.shapes import Point

STEM = (
    (-35, 0, 1, 6.8, 6.2, 6.2),
    (-24, 0, 0.6, 9.1, 7.5, 7.5),
    (-15, 0, 0.2, 11.8, 9.3, 8.9),
    (-9, 0, -0.6, 15.3, 11.8, 10.4),
    (-2, 0, -0.8, 17.0, 12.6, 11.2),
    (6, 0, 0.2, 15.5, 13.2, 12.6),
    (15, 0, 2.6, 16.6, 12.2, 12.8),
    (22, 0, 3.2, 15.1, 10.8, 11.2),
    (25.5, 0, 3.4, 11.6, 8.1, 8.7),
)
"""Brain stem (27.4 +- 3.0): rows of a loft, (z, x, y, half width, half depth in front, half depth behind)."""

CORD = (
    (-34.5, 1.0),
    (-45, 1.6),
    (-60, 0.2),
    (-80, 0.8),
    (-100, 3),
    (-120, 6.5),
    (-140, 12),
    (-160, 20),
    (-180, 29.5),
    (-200, 39),
    (-250, 57),
    (-300, 66),
    (-430, 70),
)
"""Spinal cord's centre line in the sagittal plane, (z, y); its cross-section is about 85 mm2."""

GLOBE_CENTRE: Point = (32.0, -82.2, 28.0)
GLOBE_RADIUS = 12.75
"""Eye (8.4 +- 1.0)."""

LENS_RADII: Point = (4.5, 2.5, 4.4)
LENS_DEPTH = 5.6
"""Lens (0.20 +- 0.05); its centre lies ``LENS_DEPTH`` behind the cornea."""

ORBIT_APEX: Point = (14.5, -43.5, 22.2)
CANAL_END: Point = (9.3, -36.2, 22.4)
NERVE_RADII = (2.55, 2.5, 2.4, 2.3)
"""Optic nerve (0.75 +- 0.19), from the globe over orbit and apex to the inner end of the optic canal."""

CHIASM = ((8.6, -31.2, 24.0), (0.0, -24.4, 25.2), (-8.8, -17.8, 26.4))
CHIASM_RADII = (2.3, 3.0, 2.3)
"""One of the chiasm's two crossing arms (1.3; 0.8 and 1.0 in two drafts)."""

PITUITARY: Point = (0.0, -27.6, 17.4)
PITUITARY_RADII: Point = (6.3, 4.9, 3.5)
"""Pituitary (0.38)."""

PAROTID_SUPERFICIAL: tuple[Point, Point] = ((62.5, -27, -36), (10.0, 23, 27))
PAROTID_DEEP: tuple[Point, Point] = ((55, -19, -41), (13.0, 13, 26))
"""Parotid (30 +- 9): centres and radii of two lobes; jaw, masseter and mastoid cut into them."""

LABYRINTH: Point = (33.3, -9.4, -2.9)
LABYRINTH_RADII: Point = (8.6, 5.0, 3.5)
"""Inner ear (0.55)."""

CLEFT = ((48.5, -0.5, -3), (43, -9, -8.2), (33.5, -18.5, -12.5))
CLEFT_RADII = (4.3, 5.3, 3.6)
"""Middle ear (1.8): from the antrum through the tympanic cavity to the mouth of the Eustachian tube."""

JOINT: Point = (51.0, -23.4, -11.6)
JOINT_RADII: Point = (12.4, 8.4, 7.0)
"""Temporomandibular joint (3.1)."""

SYLVIAN_HEIGHT, SYLVIAN_RISE = 41.0, 0.33
"""Temporal lobe (118-131, a large patient): its top at the brain stem's y, and the rise per mm backwards."""
TEMPORAL_BACK = 46
"""Coronal plane that ends the temporal lobe."""
TEMPORAL_MEDIAL = 16.5
"""Distance of the temporal lobe's medial side from the midline, below the insula."""

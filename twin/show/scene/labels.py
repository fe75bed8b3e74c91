"""Where labels go in a picture: beside what they name, over nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from twin.columns import Array

CELL = 4
"""Pixels of the squares by which what is taken is kept."""

WIDE, TALL = 0.52, 1.3
"""Width of a letter and height of a line over the size of the type, in pixels."""

DISTANCES = (0.035, 0.05, 0.07, 0.1, 0.14, 0.19, 0.25, 0.32)
"""Of labels from what they name, in heights of the picture, nearest first."""

ANGLES = np.radians([90, 60, 120, 30, 150, 0, 180, 270, 300, 240, 330, 210, 75, 105, 45, 135])
"""Ways from what is named to its label, above first."""


@dataclass
class View:
    """A camera without perspective, and what is taken in its picture.

    right, up, eye: unit vectors of the picture and from it to the eye (3,). middle: point in its middle [m] (3,). half:
    half its height [m]. window: width and height in pixels. taken: squares of CELL pixels from below left that no label
    may cover (row, column).
    """

    right: Array
    up: Array
    eye: Array
    middle: Array
    half: float
    window: tuple[int, int]
    taken: Array = field(init=False)

    def __post_init__(self) -> None:
        self.taken = np.zeros((self.window[1] // CELL + 1, self.window[0] // CELL + 1), bool)

    @property
    def pixels(self) -> float:
        """Pixels of a metre."""
        return self.window[1] / (2 * self.half)

    def project(self, points: Array) -> Array:
        """Pixels of points [m], (point, 2)."""
        ahead = np.asarray(points, float) - self.middle
        flat = np.stack([ahead @ self.right, ahead @ self.up], axis=1)
        return flat * self.pixels + np.array(self.window) / 2

    def lift(self, pixel: Array, near: Array) -> Array:
        """The point [m] at a pixel in the plane of the picture through another point."""
        shift = (pixel - self.project(near[None])[0]) / self.pixels
        return near + shift[0] * self.right + shift[1] * self.up

    def rectangles(self, low: Array, high: Array) -> Array:
        """Rectangles around boxes between corners (box, 3) [m], (box, 4) pixels."""
        corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
        points = low[:, None] + (high - low)[:, None] * corners
        flat = self.project(points.reshape(-1, 3)).reshape(-1, 8, 2)
        return np.concatenate([flat.min(axis=1), flat.max(axis=1)], axis=1)

    def dots(self, points: Array, pixels: float = 5.0) -> Array:
        """Small squares around points (point, 3) [m], (point, 4) pixels."""
        flat = self.project(points)
        return np.concatenate([flat - pixels, flat + pixels], axis=1)

    def take(self, rectangles: Array) -> None:
        """Keep labels off some more rectangles (rectangle, 4): x from, y from, x to, y to in pixels from below left."""
        height, width = self.taken.shape
        for x0, y0, x1, y1 in np.asarray(rectangles, float).reshape(-1, 4) / CELL:
            rows = slice(max(int(y0), 0), min(int(y1) + 1, height))
            self.taken[rows, max(int(x0), 0) : min(int(x1) + 1, width)] = True

    def place(self, text: str, size: int, at: Array, must: bool = False, near: int = len(DISTANCES)) -> Array | None:
        """The point [m] in the middle of a label for what is at a point [m]; None where it would cover something.

        must: take the place that covers least instead. near: how many DISTANCES are tried. The place is then taken.
        """
        half = np.array([WIDE * size * len(text), TALL * size]) / 2 + 4
        anchor = self.project(at[None])[0]
        best, least = None, np.inf
        for distance in DISTANCES[:near]:
            for angle in ANGLES.tolist():
                way = np.array([np.cos(angle), np.sin(angle)])
                middle = anchor + way * (distance * self.window[1] + abs(way[0]) * half[0] + abs(way[1]) * half[1])
                if (middle - half < 4).any() or (middle + half > np.array(self.window) - 4).any():
                    continue
                covered = self._covered(np.concatenate([middle - half, middle + half]))
                if covered < least:
                    best, least = middle, covered
                if not covered:
                    break
            if not least:
                break
        if best is None or (least and not must):
            return None
        self.take(np.concatenate([best - half, best + half])[None])
        return self.lift(best, at)

    def _covered(self, rectangle: Array) -> int:
        """Squares of what is taken that a rectangle covers."""
        x0, y0, x1, y1 = (rectangle / CELL).astype(int).tolist()
        return int(self.taken[y0 : y1 + 1, x0 : x1 + 1].sum())


def looking(direction: Array, points: Array, stage: tuple[float, float, float, float], window: tuple[int, int]) -> View:
    """A view from a direction (3,) that fills a part of the picture with some points (point, 3) [m].

    stage: middle, width and height of that part as shares of the picture.
    """
    eye = direction / np.linalg.norm(direction)
    right = np.array([1.0, 0.0, 0.0]) if abs(eye[2]) > 0.999 else np.cross([0.0, 0.0, 1.0], eye)
    right /= np.linalg.norm(right)
    up = np.cross(eye, right)
    aspect = window[0] / window[1]
    across, along = points @ right, points @ up
    x, y, width, height = stage
    half = max(np.ptp(across) / width / aspect, np.ptp(along) / height, 1e-3) / 2
    shift_right, shift_up = (0.5 - x) * 2 * half * aspect, (0.5 - y) * 2 * half
    middle = right * ((across.min() + across.max()) / 2 + shift_right)
    middle += up * ((along.min() + along.max()) / 2 + shift_up) + eye * float(np.mean(points @ eye))
    return View(right, up, eye, middle, float(half), window)

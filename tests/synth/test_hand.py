"""Bones, reach and rounding: the geometry under the skin."""

import numpy as np
import pytest

from fingerspell.synth.anatomy import (
    AVERAGE,
    KNUCKLES_MM,
    METACARPAL_MM,
    METACARPAL_ROOTS_MM,
    THUMB_LIMITS_DEG,
    sample_build,
)
from fingerspell.synth.config import SynthConfig
from fingerspell.synth.pose import _clamp_fingers, _reach
from fingerspell.synth.signs import Touch
from fingerspell.synth.skeleton import Pose, bend_fingers, bend_thumb, stand
from fingerspell.synth.surface import ARM, FAR, Cones, clothe, rasterise

FLAT = Pose(fingers=np.zeros((4, 5)), thumb=np.array([40.0, 20, 0, 0, 0]), wrist=np.zeros(2))
FIST = np.array([[82.0, 104, 62, 0, 0]] * 4)


def test_bones_keep_their_length_whatever_the_pose():
    joints, _ = bend_fingers(FIST, AVERAGE)
    lengths = np.linalg.norm(np.diff(joints, axis=1), axis=2)
    assert np.allclose(lengths, AVERAGE.phalanges)
    thumb, _ = bend_thumb(np.array([[30.0, 40, -50, 20, 30]]), AVERAGE)
    assert np.allclose(np.linalg.norm(np.diff(thumb[0], axis=0), axis=1), AVERAGE.thumb)


def test_knuckles_are_a_metacarpal_away_from_the_wrist_bones():
    lengths = np.linalg.norm(KNUCKLES_MM - METACARPAL_ROOTS_MM, axis=1)
    assert np.allclose(lengths, METACARPAL_MM, atol=0.3)


def test_people_differ_and_stay_people():
    builds = [sample_build(np.random.default_rng(seed)) for seed in range(40)]
    middle = np.array([build.phalanges[1].sum() for build in builds])
    assert 3 < middle.std() < 12
    assert (middle > 70).all() and (middle < 115).all()


def test_pads_stay_at_right_angles_to_their_bones():
    body = stand(Pose(fingers=FIST, thumb=FLAT.thumb, wrist=np.array([30.0, 10])), AVERAGE)
    bones = np.diff(body.digits, axis=1)
    assert np.allclose(np.einsum("dbi,dbi->db", bones, body.pads), 0, atol=1e-9)


def test_a_bending_thumb_turns_its_pad_to_the_palm():
    straight, bent = bend_thumb(np.array([[10.0, 0, 0, 0, 0], [10, 0, 0, 60, 40]]), AVERAGE)[1]
    assert abs(straight[2, 2]) < 1e-9
    assert bent[2, 2] < -0.4


def test_an_arm_reaches_out_of_the_widest_picture_and_a_sleeve_adds_cloth():
    hand_mm = 190.0
    cones = clothe(stand(FLAT, AVERAGE), AVERAGE)
    assert len(clothe(stand(FLAT, AVERAGE), AVERAGE, 30.0).part) > len(cones.part)
    reach = np.linalg.norm(cones.ends[cones.part == ARM], axis=-1).max()
    assert reach > hand_mm / SynthConfig().fill[0]


def test_a_bent_finger_comes_out_of_the_palm():
    straight, curled = (bend_fingers(x, AVERAGE)[0] for x in (FLAT.fingers, FIST))
    assert np.allclose(straight[:, 3, 2], AVERAGE.knuckles[:, 2], atol=1e-9)
    assert (curled[:, 1, 2] > 25).all()


def test_positive_spread_moves_a_finger_towards_the_thumb():
    turned = FLAT.fingers.copy()
    turned[0, 3] = 15
    apart, together = (bend_fingers(x, AVERAGE)[0] for x in (turned, FLAT.fingers))
    assert apart[0, 3, 0] > together[0, 3, 0] + 10


@pytest.mark.parametrize("seed", range(5))
def test_the_thumb_reaches_the_front_of_a_fist_on_any_hand(seed):
    build = sample_build(np.random.default_rng(seed))
    joints, _ = bend_fingers(FIST, build)
    touch = Touch("tip", "middle", "middle", (0, 0, 1))
    rest = np.array([15.0, 50, -60, 35, 35])
    angles = _reach(rest, (touch,), joints, build)
    tip = bend_thumb(angles[None], build)[0][0, 3]
    goal = (joints[1, 1] + joints[1, 2]) / 2
    assert np.linalg.norm((tip - goal)[:2]) < 12
    assert goal[2] + 8 < tip[2] < goal[2] + 20
    assert (angles >= THUMB_LIMITS_DEG[:, 0]).all() and (angles <= THUMB_LIMITS_DEG[:, 1]).all()


def test_without_a_touch_the_thumb_stays_as_the_sign_says():
    assert _reach(FLAT.thumb, (), bend_fingers(FIST, AVERAGE)[0], AVERAGE) is FLAT.thumb


def test_joints_do_not_bend_further_than_they_can():
    wild = np.array([[200.0, 200, 200, 90, 0], [-90, -90, -90, -90, 0]])
    assert np.allclose(_clamp_fingers(wild), [[95, 112, 85, 24, 0], [-25, -6, -12, -28, 0]])


def ball(x, y, z, r, part=0, melt=0.1):
    return Cones(
        ends=np.array([[[x, y, z], [x, y, z]]]), radii=np.array([[r, r]]),
        melt=np.array([melt]), part=np.array([part]), pads=np.array([[0.0, 0, 1]]),
    )  # fmt: skip


def together(*cones):
    fields = ("ends", "radii", "melt", "part", "pads")
    return Cones(**{f: np.concatenate([getattr(c, f) for c in cones]) for f in fields})


def test_a_ball_is_synthetic_round():
    surface = rasterise(ball(32, 32, 5, 10), 64, 64)
    y, x = np.mgrid[:64, :64]
    inside = 100 - (x - 32) ** 2 - (y - 32) ** 2
    assert np.allclose(surface.depth[inside > 0], 5 + np.sqrt(inside[inside > 0]), atol=0.06)
    assert (surface.depth[inside < 0] == FAR).all()
    assert surface.cover.sum() == pytest.approx(np.pi * 100, rel=0.03)
    assert np.allclose(surface.normal[:, 32, 32], [0, 0, 1], atol=1e-3)


def test_a_slanted_cone_is_the_highest_of_the_spheres_that_sweep_it():
    cone = Cones(
        ends=np.array([[[20.0, 30, 0], [44, 34, 18]]]), radii=np.array([[9.0, 5]]),
        melt=np.array([0.1]), part=np.array([0]), pads=np.array([[0.0, 0, 1]]),
    )  # fmt: skip
    surface = rasterise(cone, 64, 64)
    y, x = np.mgrid[:64, :64].astype(float)
    best = np.full((64, 64), -np.inf)
    for t in np.linspace(0, 1, 400):
        centre, r = np.array([20, 30, 0]) + t * np.array([24, 4, 18]), 9 - 4 * t
        root2 = r * r - (x - centre[0]) ** 2 - (y - centre[1]) ** 2
        best = np.where(
            root2 > 0, np.maximum(best, centre[2] + np.sqrt(np.maximum(root2, 0))), best
        )
    sure = np.isfinite(best) & (best > 2)
    assert np.abs(surface.depth[sure] - best[sure]).max() < 0.3


def test_the_nearer_part_hides_the_farther_one_in_any_order_and_what_lies_outside_is_skipped():
    near, far = ball(32, 32, 30, 8, part=1), ball(32, 32, 0, 12, part=2)
    for cones in (together(near, far), together(far, near)):
        assert rasterise(cones, 64, 64).part[32, 32] == 1
    assert (rasterise(ball(500, 500, 0, 10), 64, 64).part == -1).all()


def test_flesh_reaches_every_landmark():
    cones = clothe(stand(FLAT, AVERAGE), AVERAGE)
    start, way = cones.ends[:, 0], cones.ends[:, 1] - cones.ends[:, 0]
    for spot in stand(FLAT, AVERAGE).landmarks:
        t = np.clip(np.einsum("ni,ni->n", spot - start, way) / (way**2).sum(axis=1), 0, 1)
        apart = np.linalg.norm(spot - start - t[:, None] * way, axis=1)
        radius = cones.radii[:, 0] + t * (cones.radii[:, 1] - cones.radii[:, 0])
        assert (apart < radius + 0.5).any()

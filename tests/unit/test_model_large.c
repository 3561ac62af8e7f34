/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model with segments of usual size: what is not acknowledged lies in several chunks of a ring. */
#define SCALE 20
#define SEEDS 2000
#include "test_model.c"

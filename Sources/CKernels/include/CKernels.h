#pragma once

#include "convolution.h"
#include "disjoint.h"
#include "convolution_reference.h"
#include "elementwise.h"
#include "lines.h"
#include "optimizer.h"
#include "peak.h"
#include "platform.h"
#include "pointwise.h"
#include "pooling.h"
#include "resampling.h"
#include "winograd.h"

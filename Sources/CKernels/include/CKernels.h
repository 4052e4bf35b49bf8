#pragma once

#include "convolution.h"
#include "pointwise.h"
#include "pooling.h"

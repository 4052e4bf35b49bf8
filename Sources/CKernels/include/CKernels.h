#pragma once

#include "convolution.h"
#include "platform.h"
#include "pointwise.h"
#include "pooling.h"

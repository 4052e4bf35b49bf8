#pragma once
#include "image_codecs.h"
#include <stdio.h>

/// Puts a reason into a message, unless it has one.
#define SAY(message, ...)                                                                            \
  ((message)->text[0] ? 0 : snprintf((message)->text, sizeof (message)->text, __VA_ARGS__))

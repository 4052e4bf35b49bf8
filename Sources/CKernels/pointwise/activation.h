// Activations and their derivatives on vectors; `kind` is a constant at every call, so that one case is left of each.

INLINE v16f activate(v16f z, tutti_activation kind, float parameter) {
  switch (kind) {
  case TUTTI_IDENTITY: return z;
  case TUTTI_RELU: return pick(z <= 0.0f, all(0), z);
  case TUTTI_LEAKY_RELU: return pick(z > 0.0f, z, z * parameter);
  case TUTTI_ELU: return pick(z > 0.0f, z, expm1_16(z) * parameter);
  case TUTTI_GELU: return z * normal_cdf(z);
  case TUTTI_SILU: return z / (1.0f + exp_16(-z));
  case TUTTI_TANH: return tanh_16(z);
  case TUTTI_SIGMOID: return 1.0f / (1.0f + exp_16(-z));
  case TUTTI_SOFTPLUS: return pick(z > 20.0f, z, log1p_16(exp_16(pick(z > 20.0f, all(20.0f), z))));
  case TUTTI_HARDSWISH: {
    v16f gate = z + 3.0f;
    gate = pick(gate < 0.0f, all(0), gate);
    gate = pick(gate > 6.0f, all(6.0f), gate);
    return z * gate / 6.0f;
  }
  }
  return z;
}

/// The derivative at z times g.
INLINE v16f activation_slope(v16f g, v16f z, tutti_activation kind, float parameter) {
  switch (kind) {
  case TUTTI_IDENTITY: return g;
  case TUTTI_RELU: return pick(z <= 0.0f, all(0), g);
  case TUTTI_LEAKY_RELU: return pick(z > 0.0f, g, g * parameter);
  case TUTTI_ELU: return pick(z > 0.0f, g, g * parameter * exp_16(z));
  case TUTTI_GELU: return g * fused(z * 0.398942280401432678f, exp_16(z * z * -0.5f), normal_cdf(z));
  case TUTTI_SILU: {
    const v16f s = 1.0f / (1.0f + exp_16(-z));
    return g * (s * fused(z, 1.0f - s, all(1.0f)));
  }
  case TUTTI_TANH: {  // 1 - tanh^2 without cancellation
    const v16f e = exp_16(-2.0f * magnitude(z)), d = 1.0f + e;
    return g * (4.0f * e / (d * d));
  }
  case TUTTI_SIGMOID: {
    const v16f e = exp_16(-magnitude(z)), d = 1.0f + e;
    return g * (e / (d * d));
  }
  case TUTTI_SOFTPLUS: return pick(z > 20.0f, g, g / (1.0f + exp_16(-z)));
  case TUTTI_HARDSWISH: return pick(z <= -3.0f, all(0), pick(z >= 3.0f, g, g * (z / 3.0f + 0.5f)));
  }
  return g;
}

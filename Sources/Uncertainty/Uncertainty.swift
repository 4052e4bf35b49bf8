// Uncertainty

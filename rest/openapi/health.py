"""What is told of the paths of health."""

from datetime import datetime

from rest.openapi.description import Answer, Description, Of, enveloped

TAG = "Health"
RUNNING = enveloped(message="Server is running", timestamp=Of(datetime, "2023-01-20T15:30:00.000Z"))

HEALTH = Description("getHealth", TAG, "Ask whether the process answers", Answer("It does.", RUNNING))
LIVE = Description("getLiveness", TAG, "Ask whether the process answers (Kubernetes)", Answer("It does.", RUNNING))
READY = Description(
    "getReadiness", TAG, "Ask whether the database answers too", Answer("It does.", enveloped(message="Ready"))
)

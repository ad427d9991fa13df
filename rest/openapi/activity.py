"""What is told of the path of activity."""

from models.activity import Activity, ListActivity, Thing
from rest.openapi.description import Answer, Description, ListOf, Nullable, Of, Shape, enveloped

ROW = Shape(Activity, "Activity", more={"object": Nullable(Shape(Thing))})
PAGE = Shape(
    more={"activity": ListOf(ROW), "pagination": Shape(more={"limit": Of(int, 20), "next": Of(str | None, None)})}
)

LIST_ACTIVITY = Description(
    "listActivity",
    "Activity",
    "List activity, the newest first",
    Answer("A page of activity; `next` is the `after` of the page behind it.", enveloped(PAGE)),
    query=(ListActivity,),
)

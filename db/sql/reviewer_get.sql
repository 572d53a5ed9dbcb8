from scratch.reviewer_now($reviewer_id)

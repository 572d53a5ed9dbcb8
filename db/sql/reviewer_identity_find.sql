select reviewer_id from reviewer_identity where issuer = $issuer and subject = $subject

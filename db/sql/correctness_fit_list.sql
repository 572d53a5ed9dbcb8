select run_id, label_set, figures, fitted_on, created_at from correctness_fit order by run_id, label_set

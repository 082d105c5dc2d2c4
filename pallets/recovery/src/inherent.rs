//! Inherent with which a block's author reports the block that its node has finalized.

/// Identifier of the inherent.
pub const IDENTIFIER: sp_inherents::InherentIdentifier = *b"undyfina";

/// Provides the number of the last block that the node has finalized, saturating, to the runtime.
#[cfg(feature = "std")]
pub struct FinalityInherent(pub u32);

#[cfg(feature = "std")]
#[async_trait::async_trait]
impl sp_inherents::InherentDataProvider for FinalityInherent {
	async fn provide_inherent_data(
		&self,
		data: &mut sp_inherents::InherentData,
	) -> Result<(), sp_inherents::Error> {
		data.put_data(IDENTIFIER, &self.0)
	}

	async fn try_handle_error(
		&self,
		_: &sp_inherents::InherentIdentifier,
		_: &[u8],
	) -> Option<Result<(), sp_inherents::Error>> {
		None
	}
}
